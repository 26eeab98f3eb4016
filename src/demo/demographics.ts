import type { Patient } from '@medplum/fhirtypes';
import { makeAddress } from './addresses.ts';
import type { Calendar } from './calendar.ts';
import { providerReference, type Subject } from './clinical/chart.ts';
import type { Name } from './names.ts';
import { NHS_NUMBER_SYSTEM } from './nhs-number.ts';
import type { DemoOrganisation } from './organisations.ts';
import type { Random } from './random.ts';

type Demographics = {
  random: Random;
  calendar: Calendar;
  subject: Subject;
  name: Name;
  nhsNumber: string;
  first: DemoOrganisation;
  died: boolean;
};

/** The Patient resource, as the organisation that knew the patient first wrote it. */
export function patientResource({
  random,
  calendar,
  subject,
  name,
  nhsNumber,
  first,
  died,
}: Demographics): Patient {
  const adult = subject.lastDay - subject.birthDay > 16 * 365;
  // Numbers of this range are kept for drama (Ofcom) and ring nowhere.
  const mobile = `07700 900${String(random.integer(0, 999)).padStart(3, '0')}`;
  const mail = [name.given[0]!, name.family, nhsNumber.slice(6)]
    .join('.')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, '');
  return {
    resourceType: 'Patient',
    id: subject.id,
    identifier: [{ use: 'official', system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
    active: true,
    name: [{ use: 'official', family: name.family, given: name.given, prefix: [name.prefix] }],
    telecom: [
      { system: 'phone', value: mobile, use: 'mobile' },
      ...(adult && random.chance(0.7)
        ? [{ system: 'email' as const, value: `${mail}@example.org`, use: 'home' as const }]
        : []),
    ],
    gender: subject.sex,
    birthDate: calendar.date(subject.birthDay),
    ...(died && { deceasedDateTime: calendar.date(subject.lastDay) }),
    address: [makeAddress(random)],
    managingOrganization: providerReference(first),
  };
}
