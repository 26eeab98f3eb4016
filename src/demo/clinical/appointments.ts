import type { Appointment, Reference } from '@medplum/fhirtypes';
import type { Chart, Contact } from './chart.ts';
import { concept, hl7 } from './concepts.ts';
import type { Specialty } from './services.ts';

/** An appointment on the contact's day, booked some weeks before it. */
export function recordAppointment(
  chart: Chart,
  contact: Contact,
  specialty: Specialty,
  status: Appointment['status'],
): Reference<Appointment> {
  const came = status === 'fulfilled';
  const bookedDay = Math.min(contact.day - chart.random.integer(4, 60), -1);
  const booked = { ...contact, day: Math.max(bookedDay, chart.subject.birthDay) };
  return chart.add<Appointment>(
    contact,
    {
      resourceType: 'Appointment',
      status,
      ...(status === 'cancelled' && {
        cancelationReason: concept(hl7('appointment-cancellation-reason', 'pat', 'Patient')),
      }),
      specialty: [specialty.code ? concept(specialty.code) : { text: specialty.name }],
      appointmentType: concept(chart.random.pick(TYPES)),
      description: `${specialty.name}: ${contact.organisation.name}`,
      start: chart.at(contact),
      end: chart.at(contact, 20),
      minutesDuration: 20,
      created: chart.at(booked),
      participant: [
        {
          actor: chart.patient,
          status: status === 'booked' || came ? 'accepted' : 'declined',
        },
        { actor: chart.author(contact), status: 'accepted' },
      ],
    },
    came || contact.day < 0 ? contact : booked,
  );
}

const TYPES = [
  hl7('v2-0276', 'ROUTINE', 'Routine appointment - default if not valued'),
  hl7('v2-0276', 'FOLLOWUP', 'A follow up visit from a previous appointment'),
  hl7('v2-0276', 'CHECKUP', 'A routine check-up, such as an annual physical'),
];
