import type { Call } from '../http/call.ts';
import { Refusal } from '../http/refusal.ts';
import type { JsonObject } from '../store/content.ts';
import { sentBody } from './sent-body.ts';

/** An identifier as it was sent, and as it is said again in the answer. */
export type SentIdentifier = { system: string; value: string };

type Taken = {
  /** The parameter that says about whom or what is asked. */
  list: string;
  max: number;
  /** Identifiers of documents may come without a system, and as plain text. */
  systemless?: boolean;
  /** Parameters that are true or false, once at most. */
  flags?: readonly string[];
};

/**
 * Reads the Parameters (R4 section 2.35) that a query takes: one list of identifiers and perhaps some flags.
 * @throws {Refusal} for what is wrong with the request as a whole. What is wrong with one identifier is for its own
 * outcome to say.
 */
export function readParameters(call: Call, taken: Taken) {
  const { resource } = sentBody(call);
  const sent = (resource as JsonObject | null)?.parameter ?? [];
  if ((resource as JsonObject | null)?.resourceType !== 'Parameters' || !Array.isArray(sent)) {
    throw refused('structure', 'A Parameters resource is needed', 'Parameters');
  }
  const identifiers: SentIdentifier[] = [];
  const flags: Record<string, boolean | undefined> = {};
  for (let at = 0; at < sent.length; at++) {
    const parameter = sent[at] as JsonObject | null;
    const name = parameter?.name;
    if (name === taken.list) {
      if (identifiers.length === taken.max) throw tooMany(taken);
      identifiers.push(identifierOf(parameter!, taken, at));
    } else if (typeof name === 'string' && taken.flags?.includes(name) && flags[name] === undefined) {
      if (typeof parameter!.valueBoolean !== 'boolean')
        throw refused('value', `${name} is true or false, as valueBoolean`, placeOf(at));
      flags[name] = parameter!.valueBoolean;
    } else {
      const known = [taken.list, ...(taken.flags ?? [])].join(', ');
      throw refused(
        'not-supported',
        `The parameters here are: ${known}; those after the first, once`,
        placeOf(at),
      );
    }
  }
  if (identifiers.length === 0) {
    throw refused('required', `At least one ${taken.list} is needed, and at most ${taken.max}`, 'Parameters');
  }
  return { identifiers, flags };
}

const placeOf = (at: number) => `Parameters.parameter[${at}]`;

const LENGTH_MAX = 500;

function identifierOf(parameter: JsonObject, { list, systemless }: Taken, at: number): SentIdentifier {
  if (systemless && typeof parameter.valueString === 'string') {
    return checked('', parameter.valueString, at);
  }
  const sent = parameter.valueIdentifier as Partial<Record<keyof SentIdentifier, unknown>> | null | undefined;
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    throw refused('structure', `${list} is sent as valueIdentifier, with system and value`, placeOf(at));
  }
  const { system = '', value = '' } = sent;
  if (typeof system !== 'string' || typeof value !== 'string') {
    throw refused('structure', 'The system and the value of an identifier are texts', placeOf(at));
  }
  return checked(system, value, at);
}

function checked(system: string, value: string, at: number): SentIdentifier {
  const fits = system.length <= LENGTH_MAX && value.length <= LENGTH_MAX;
  if (!fits || !system.isWellFormed() || !value.isWellFormed()) {
    throw refused('value', `An identifier is a text of at most ${LENGTH_MAX} characters`, placeOf(at));
  }
  return { system, value };
}

const refused = (code: string, diagnostics: string, expression: string) =>
  new Refusal('parameters-invalid', { issues: [{ code, diagnostics, expression }] });

const tooMany = ({ list, max }: Taken) =>
  new Refusal('too-many', { text: `At most ${max} ${list} are taken at once: send several requests.` });
