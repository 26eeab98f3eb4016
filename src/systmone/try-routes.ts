import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { staffOf } from '../sign-in/index.ts';
import { type Acting, actingOf } from './acting.ts';
import { fieldsOf, type LaunchConfiguration, profileName, profileOf, urlPrefixOf } from './configuration.ts';
import { configurationsOf } from './configuration-store.ts';
import { listPairings } from './pairing-store.ts';
import { somePatients } from './patients-store.ts';
import { fieldText } from './profiles/grammar.ts';
import { type LaunchFields, readField } from './profiles/index.ts';
import type { Room } from './room.ts';
import type { FieldError } from './set-up-form.ts';
import { HOME } from './set-up-routes.ts';

const Form = Type.Object({
  configuration: Type.String({ default: '', maxLength: 100 }),
  practice: Type.String({ default: '', maxLength: 20 }),
  userName: Type.String({ default: '', maxLength: 100 }),
  patient: Type.String({ default: '', maxLength: 100 }),
  nhsNumber: Type.String({ default: '', maxLength: 20 }),
  birthDate: Type.String({ default: '', maxLength: 20 }),
});
type Fields = Static<typeof Form>;

/** Plays SystmOne: builds the link exactly as it would, with a patient and a user that are chosen here. */
export function tryRoutes(app: FastifyInstance, room: Room): void {
  const { context, pages } = room;
  const onRequest = room.signIn.requireRole(['administrator', 'coordinator'], 'try the SystmOne link');

  app.get(`${HOME}/try`, { onRequest }, (request, reply) => ask(request, reply, EMPTY));

  app.post<{ Body: Fields }>(`${HOME}/try`, { onRequest, schema: { body: Form } }, async (request, reply) => {
    const acting = actingOf(request);
    const live = await liveOf(acting);
    const configuration =
      live.find(({ id }) => id === request.body.configuration) ?? (live.length === 1 ? live[0] : undefined);
    const { patients, locked } = await choice(request);
    const chosen = patients.find(({ id }) => id === request.body.patient);
    if (locked && !chosen) {
      const text = 'Choose the patient whose record is open, or sign out and sign in again to try another';
      return ask(request, reply.code(422), request.body, [{ field: 'patient', text }]);
    }
    const parsed = parse(request.body, configuration, chosen);
    if ('errors' in parsed) return ask(request, reply.code(422), request.body, parsed.errors);
    const profile = profileOf(parsed.configuration, context.secrets.encryptionKey);
    const prefix = urlPrefixOf(context.baseUrl(), parsed.configuration, profile);
    const link = prefix + profile.encode(parsed.fields).slice(profile.prefix.length);
    await context.audit.record({
      kind: 'page',
      interaction: 'launch-try',
      outcome: 'allowed',
      status: 200,
      ...acting,
      patients: chosen ? [chosen.id] : null,
      detail: JSON.stringify({ configuration: parsed.configuration.id }),
    });
    return pages.render(reply, 'systmone/tried.njk', {
      link,
      prefix,
      parts: profile.parts.map((part) =>
        part.kind === 'text' ? part : { ...part, clear: fieldText(parsed.fields, part.field) },
      ),
      fields: fieldsOf(profile.parts),
      patient: chosen ?? null,
      userName: parsed.fields.userName,
    });
  });

  const liveOf = async ({ organisationId }: Acting) =>
    (await configurationsOf(context.database.service, organisationId)).filter(
      ({ withdrawnAt }) => !withdrawnAt,
    );

  /** Whom a link may be tried with: in a session that a launch locked, those alone whom it is locked to. */
  async function choice(request: FastifyRequest) {
    const lockedTo = await room.records.lockedTo(staffOf(request).sessionId);
    const locked = lockedTo.length > 0;
    const patients = await somePatients(
      context.database.service,
      actingOf(request),
      locked ? lockedTo : null,
    );
    return { locked, patients };
  }

  async function ask(request: FastifyRequest, reply: FastifyReply, form: Fields, errors?: FieldError[]) {
    const acting = actingOf(request);
    const [live, chosen, pairings] = await Promise.all([
      liveOf(acting),
      choice(request),
      listPairings(context.database.service, acting.organisationId, {}),
    ]);
    const connected = pairings.filter(({ endedAt, source }) => !endedAt && source === 'systmone');
    return pages.render(reply, 'systmone/try.njk', {
      form: {
        ...form,
        configuration: form.configuration || live[0]?.id,
        practice: form.practice || live[0]?.practices[0],
      },
      errors,
      ...chosen,
      users: connected.map(({ userName, accountName }) => ({ userName, accountName })),
      live: live.map((configuration) => ({ ...configuration, profileName: profileName(configuration) })),
    });
  }
}

const EMPTY: Fields = {
  configuration: '',
  practice: '',
  userName: '',
  patient: '',
  nhsNumber: '',
  birthDate: '',
};

type Chosen = { nhsNumber: string; birthDate: string | null };

function parse(
  form: Fields,
  configuration: LaunchConfiguration | undefined,
  patient: Chosen | undefined,
): { errors: FieldError[] } | { configuration: LaunchConfiguration; fields: LaunchFields } {
  const errors: FieldError[] = [];
  if (!configuration) errors.push({ field: 'configuration', text: 'Choose a link' });
  const organisation = readField('organisation', form.practice.trim().toUpperCase()).value;
  if (!organisation)
    errors.push({ field: 'practice', text: 'Enter the practice’s ODS code, such as Y90001' });
  const userName = readField('userName', form.userName.trim()).value;
  if (!userName) errors.push({ field: 'userName', text: 'Enter a SystmOne username, such as jbloggs0506' });
  const nhsNumber = patient?.nhsNumber ?? readField('nhsNumber', form.nhsNumber.trim()).value;
  if (!nhsNumber)
    errors.push({ field: 'nhsNumber', text: 'Choose a patient, or enter an NHS number of 10 digits' });
  const birthDate = patient?.birthDate ?? readField('birthDate', form.birthDate.trim()).value;
  if (configuration?.sendsBirthDate && !birthDate) {
    errors.push({
      field: 'birthDate',
      text: 'Enter a date of birth, such as 31/03/1980: this link sends it',
    });
  }
  if (errors.length > 0 || !configuration || !organisation || !userName || !nhsNumber) return { errors };
  return {
    configuration,
    fields: {
      organisation,
      userName,
      nhsNumber,
      birthDate: configuration.sendsBirthDate ? birthDate : null,
      role: configuration.sendsRole ? 'Clinical Practitioner' : null,
      notBefore: null,
      expires: null,
      serviceId: null,
    },
  };
}
