import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hashNumbers } from '../audit/audit.ts';
import { isNationalNumber, NATIONAL_SYSTEMS } from '../fhir/store/national-identifiers.ts';
import { recordPath } from '../record-context/index.ts';
import { type AttemptLimit, type Staff, staffOf, tooManyAttempts } from '../sign-in/index.ts';
import { PageError } from '../web/index.ts';
import type { Room } from './routes.ts';

/** Enough for a busy clinic, and hopeless for trying dates of birth. What succeeds counts too, or it would buy tries. */
const BY_PERSON: AttemptLimit = {
  purpose: 'find-patient',
  free: 60,
  firstWaitSeconds: 60,
  waitSecondsMax: 3600,
};

type Form = { number: string; day: string; month: string; year: string };

/**
 * /patients: opens the record of one patient of the organisation, by national number and date of birth together.
 * There is no list of patients to look through, and the answer for whoever is not found says nothing of why.
 */
export function findPatientRoutes(app: FastifyInstance, { context, web, signIn, contexts }: Room): void {
  const { database, audit, now } = context;
  const onRequest = signIn.requireRole(['professional', 'coordinator'], 'open patients’ records');

  app.get('/patients', { onRequest }, async (request, reply) => {
    await refuseLocked(request);
    return web.pages.render(reply, 'record/patients.njk', {});
  });

  app.post('/patients', { onRequest }, async (request, reply) => {
    await refuseLocked(request);
    const staff = staffOf(request);
    const form = fieldsOf(request.body);
    const problem = (errors: { field: string; text: string }[]) => {
      reply.code(422);
      return web.pages.render(reply, 'record/patients.njk', { form, errors });
    };
    const { errors, number, birthDate } = parse(form);
    if (errors.length > 0) return problem(errors);

    const wait = await signIn.attempts.count(BY_PERSON, staff.accountId, now());
    const found = wait === null ? await find(staff, number, birthDate) : null;
    await audit.record({
      kind: 'page',
      interaction: 'find-patient',
      outcome: wait !== null ? 'too-many-attempts' : found ? 'allowed' : 'not-found',
      status: wait !== null ? 429 : found ? 303 : 422,
      requestId: request.id,
      address: request.ip,
      accountId: staff.accountId,
      organisationId: staff.organisationId,
      patients: found ? [found] : null,
      named: found ? null : hashNumbers(context.secrets, [number]),
    });
    if (wait !== null) throw tooManyAttempts(wait);
    if (!found) {
      return problem([
        { field: 'number', text: 'No patient of your organisation has this number and date of birth' },
      ]);
    }
    const opened = await contexts.openContext({
      sessionId: staff.sessionId,
      accountId: staff.accountId,
      organisationId: staff.organisationId,
      patientId: found,
      locked: false,
      breakGlass: await allowsBreakGlass(staff.organisationId),
      openedBy: 'search',
    });
    return reply.redirect(recordPath(opened), 303);
  });

  /**
   * A session in which a clinical system opened a record for one patient alone is for no other, even when the person
   * had signed in: whoever stands at the screen after a launch is not to go on from it to other patients.
   */
  async function refuseLocked(request: FastifyRequest) {
    const { sessionId, signedIn } = staffOf(request);
    if ((await contexts.lockedTo(sessionId)).length === 0) {
      if (signedIn || (await contexts.currentContext(request))) return;
    }
    throw new PageError({
      status: 403,
      code: 'record-locked',
      title: 'You cannot look for another patient here',
      message: 'A record is open in this browser that your clinical system opened for one patient.',
      whatToDo: signedIn
        ? 'Choose the other patient in your clinical system and open the record from there. To find patients here, sign out and sign in again.'
        : 'Choose the other patient in your clinical system and open the record from there, or sign in here.',
    });
  }

  /** The three national numbers are of one scheme, so the same digits are looked for in each. */
  async function find({ accountId, organisationId }: Staff, number: string, birthDate: string) {
    for (const system of NATIONAL_SYSTEMS) {
      const { rows } = await database.service.query<{ outcome: string; patient_id: string | null }>({
        name: 'record-find-patient',
        text: 'select outcome, patient_id from launch_patient($1, $2, $3, $4, $5)',
        values: [accountId, organisationId, system, number, birthDate],
      });
      if (rows[0]?.outcome === 'found') return rows[0].patient_id;
    }
    return null;
  }

  /** The organisation says so with its launches; a record that is opened here is no different. */
  async function allowsBreakGlass(organisationId: string): Promise<boolean> {
    const { rows } = await database.service.query<{ allowed: boolean }>({
      name: 'record-allows-break-glass',
      text: `
        select exists (select from launch_configuration
                        where organisation_id = $1 and withdrawn_at is null and allow_break_glass) as allowed`,
      values: [organisationId],
    });
    return rows[0]!.allowed;
  }
}

function fieldsOf(body: unknown): Form {
  const fields = (body ?? {}) as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name].trim().slice(0, 50) : '');
  return {
    number: text('number'),
    day: text('birth-day'),
    month: text('birth-month'),
    year: text('birth-year'),
  };
}

function parse(form: Form) {
  const errors: { field: string; text: string }[] = [];
  const number = form.number.replace(/[\s-]/g, '');
  if (!isNationalNumber(number)) {
    errors.push({
      field: 'number',
      text: number === '' ? 'Enter the patient’s NHS number' : 'Enter a valid NHS number, like 999 123 4567',
    });
  }
  const [day, month, year] = [form.day, form.month, form.year].map((part) =>
    /^\d{1,4}$/.test(part) ? Number(part) : 0,
  );
  const at = new Date(Date.UTC(year!, month! - 1, day!));
  const real = year! >= 1850 && at.getUTCMonth() === month! - 1 && at.getUTCDate() === day!;
  if (!real) errors.push({ field: 'birth-day', text: 'Enter a real date of birth, like 27 3 1985' });
  return { errors, number, birthDate: real ? at.toISOString().slice(0, 10) : '' };
}
