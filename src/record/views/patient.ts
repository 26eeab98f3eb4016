import type { HumanName, Patient } from '@medplum/fhirtypes';
import { codeText } from './text.ts';

/** Whose record it is, as the header says it on every page. */
export type PatientBanner = {
  /** 'MORGAN, Nia (Dr)' */
  name: string;
  /** 'Nia Morgan', to begin a sentence or a title. */
  plainName: string;
  born: string;
  /** '45y', '4y 3m'; at death for someone who died; '' when not known. */
  age: string;
  died: string;
  gender: string;
  /** 'NHS number', 'CHI number' … and the number as 999 123 4567. */
  number: { name: string; text: string; unverified: boolean } | null;
};

/**
 * The header of a record after the NHS's guidance on patient banners: family name in capitals, dates as dd-Mmm-yyyy,
 * numbers in 3-3-4. `known` is what the service itself keeps, for a patient without a Patient resource.
 */
export function patientBanner(
  patient: Partial<Patient> | null,
  known: { birthDate: string | null; deceased: boolean },
  now: Date,
): PatientBanner {
  const name = nameInUse(patient?.name);
  const birthDate = patient?.birthDate ?? known.birthDate;
  const diedOn = patient?.deceasedDateTime?.slice(0, 10) ?? null;
  const dead = diedOn !== null || patient?.deceasedBoolean === true || known.deceased;
  const until = diedOn ?? (dead ? null : todayInLondon(now));
  return {
    name: bannerName(name),
    plainName:
      [name?.given?.[0], name?.family].filter(Boolean).join(' ') || name?.text || 'Name not recorded',
    born: birthDate ? bannerDate(birthDate) : 'not recorded',
    age: birthDate && until ? ageOn(birthDate, until) : '',
    died: diedOn ? bannerDate(diedOn) : dead ? 'date not recorded' : '',
    gender: codeText(patient?.gender),
    number: nationalNumber(patient),
  };
}

/** The name a person goes by (FHIR R4 HumanName.use): official or usual, never an old one. */
function nameInUse(names: HumanName[] = []): HumanName | undefined {
  const usable = names.filter(({ use, period }) => use !== 'old' && use !== 'maiden' && !period?.end);
  return (
    ['official', 'usual'].map((wanted) => usable.find(({ use }) => use === wanted)).find(Boolean) ?? usable[0]
  );
}

function bannerName(name: HumanName | undefined): string {
  const family = name?.family?.toLocaleUpperCase('en-GB');
  const given = name?.given?.join(' ');
  const both = [family, given].filter(Boolean).join(', ') || name?.text || 'Name not recorded';
  const prefix = name?.prefix?.join(' ');
  return prefix && both !== name?.text ? `${both} (${prefix})` : both;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** 03-May-1980; of a date that is only partly known, that part. */
export function bannerDate(date: string): string {
  const [year, month, day] = date.split('-');
  return [day, month && MONTHS[Number(month) - 1], year].filter(Boolean).join('-');
}

/**
 * An age as the banner guidance has it: years from 18 on, years and months from 2, months and days from 1, weeks
 * and days from 4 weeks, else days. Only whole dates can be counted from exactly; of a part, the years.
 */
export function ageOn(birthDate: string, day: string): string {
  const [from, to] = [partsOf(birthDate), partsOf(day)];
  if (from.length < 3) return to[0]! >= from[0]! ? `about ${to[0]! - from[0]!}y` : '';
  const days = Math.round((Date.parse(day) - Date.parse(birthDate)) / DAY_MS);
  if (Number.isNaN(days) || days < 0) return '';
  let months = (to[0]! - from[0]!) * 12 + to[1]! - from[1]!;
  if (to[2]! < from[2]!) months--;
  if (months >= 18 * 12) return `${Math.floor(months / 12)}y`;
  if (months >= 2 * 12) return twoParts(Math.floor(months / 12), 'y', months % 12, 'm');
  if (months >= 12) return twoParts(months, 'm', daysBeyond(from, months, day), 'd');
  if (days >= 28) return twoParts(Math.floor(days / 7), 'w', days % 7, 'd');
  return `${days}d`;
}

const DAY_MS = 86_400_000;
const partsOf = (date: string) => date.slice(0, 10).split('-').map(Number);
const twoParts = (first: number, one: string, second: number, other: string) =>
  second > 0 ? `${first}${one} ${second}${other}` : `${first}${one}`;

function daysBeyond([year = 0, month = 1, day = 1]: number[], months: number, until: string): number {
  // A day that the month does not have is its last.
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  const passed = Date.UTC(year, month - 1 + months, Math.min(day, last));
  return Math.max(0, Math.round((Date.parse(until) - passed) / DAY_MS));
}

/** Sweden writes dates as ISO 8601 has them. */
const londonDay = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London' });
const todayInLondon = (now: Date): string => londonDay.format(now);

const NUMBERS = [
  { system: 'https://fhir.nhs.uk/Id/nhs-number', name: 'NHS number' },
  { system: 'urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53', name: 'CHI number' },
  { system: 'urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158', name: 'Health and Care number' },
];
const VERIFICATION =
  'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus';

function nationalNumber(patient: Partial<Patient> | null): PatientBanner['number'] {
  for (const { system, name } of NUMBERS) {
    const found = patient?.identifier?.find((identifier) => identifier.system === system && identifier.value);
    if (!found) continue;
    const status = found.extension?.find(({ url }) => url === VERIFICATION)?.valueCodeableConcept
      ?.coding?.[0];
    return {
      name,
      text: found.value!.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3'),
      unverified: status?.code !== undefined && !/^(01|number-present-and-verified)$/.test(status.code),
    };
  }
  return null;
}
