import type { Appointment } from '@medplum/fhirtypes';
import { dateText, periodText } from './dates.ts';
import { type EntryView, entryView, type Tone } from './entry.ts';
import { conceptsText, conceptText, listText, referenceText } from './text.ts';

/** An appointment, past or to come (FHIR R4 Appointment). */
export function appointmentView(appointment: Partial<Appointment>): EntryView {
  const { status, start, end, requestedPeriod } = appointment;
  const service = listText([conceptsText(appointment.serviceType), conceptsText(appointment.specialty)]);
  return entryView(
    appointment.description || service || 'Appointment',
    dateText(start) || (requestedPeriod?.[0] ? `asked for: ${periodText(requestedPeriod[0])}` : ''),
    status ? (STATUSES[status] ?? null) : null,
    [
      ['Service', appointment.description ? service : ''],
      ['Length', length(appointment) || (start && end ? periodText({ start, end }) : '')],
      ['With', listText((appointment.participant ?? []).map(participantText))],
      ['Reason', conceptsText(appointment.reasonCode)],
      ['Kind', conceptText(appointment.appointmentType)],
      ['Why cancelled', conceptText(appointment.cancelationReason)],
      ['What to do before', appointment.patientInstruction],
      ['Notes', appointment.comment],
    ],
  );
}

const length = ({ minutesDuration: minutes }: Partial<Appointment>): string =>
  minutes ? `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}` : '';

type Participant = NonNullable<Appointment['participant']>[number];

/** Whoever is not the patient; somebody who said no is said to have. */
function participantText({ actor, status, type }: Participant): string {
  const who = referenceText(actor) || conceptsText(type);
  return who && status === 'declined' ? `${who} (declined)` : who;
}

/** FHIR R4 AppointmentStatus in people's words. */
const STATUSES: Record<string, { text: string; tone: Tone }> = {
  proposed: { text: 'Proposed', tone: 'blue' },
  pending: { text: 'Waiting for an answer', tone: 'blue' },
  booked: { text: 'Booked', tone: 'green' },
  arrived: { text: 'Arrived', tone: 'green' },
  'checked-in': { text: 'Checked in', tone: 'green' },
  fulfilled: { text: 'Attended', tone: 'grey' },
  cancelled: { text: 'Cancelled', tone: 'orange' },
  noshow: { text: 'Did not attend', tone: 'orange' },
  waitlist: { text: 'On the waiting list', tone: 'blue' },
  'entered-in-error': { text: 'Entered by mistake', tone: 'red' },
};
