import { concernsOneRequest, type FhirClient } from '../shared/fhir-client.ts';
import { findPatient } from '../shared/find-patient.ts';
import { inParallel } from '../shared/in-parallel.ts';
import { BLOOD_PRESSURE, bloodPressure, readingIdentifier, readingIdOf } from './observation.ts';
import type { Reading } from './read-readings.ts';

type Options = {
  atOnce: number;
  /** Replace what is there already. */
  correct: boolean;
  signal: AbortSignal;
  onDone: (how: 'created' | 'existed' | 'refused') => void;
};

export type Sent = {
  created: number;
  existed: number;
  /** One line each, saying which and why. */
  refused: string[];
  /** Not tried, because it was stopped or the service went away. */
  left: number;
  /** What ended the run before all were tried: access revoked, say, or nobody answering. */
  failure?: unknown;
};

/**
 * Sends each reading once. First it asks what is there already, so a run after a break goes on where that one
 * stopped; each request is also conditional, so even two runs at the same moment make one of each.
 * What went wrong with all of it is told beside the numbers, which stay true.
 */
export async function sendReadings(client: FhirClient, readings: Reading[], options: Options): Promise<Sent> {
  const sent: Sent = { created: 0, existed: 0, refused: [], left: 0 };
  const done = (how: 'created' | 'existed' | 'refused', why?: string) => {
    if (how === 'refused') sent.refused.push(why!);
    else sent[how] += 1;
    options.onDone(how);
  };
  const sendAll = async (nhsNumber: string, ofOne: Reading[]) => {
    const patient = await findPatient(client, nhsNumber);
    if (!patient) {
      for (const { line } of ofOne)
        done('refused', `line ${line}: no patient with this NHS number is registered with the organisation`);
      return;
    }
    const there = options.correct ? new Set() : await alreadyThere(client, patient.id!, ofOne);
    await inParallel(ofOne, options, async (reading) => {
      const identifier = readingIdentifier(patient.id!, reading);
      if (there.has(identifier.value)) return done('existed');
      const observation = bloodPressure(patient.id!, reading);
      try {
        done(await client[options.correct ? 'put' : 'createOnce'](observation, identifier));
      } catch (error) {
        if (!concernsOneRequest(error)) throw error;
        done(
          'refused',
          `line ${reading.line}: ${error.message} (${error.code}, reference ${error.reference})`,
        );
      }
    });
  };
  try {
    for (const [nhsNumber, ofOne] of Map.groupBy(readings, (reading) => reading.nhsNumber)) {
      if (options.signal.aborted) break;
      await sendAll(nhsNumber, ofOne);
    }
  } catch (error) {
    sent.failure = error;
  }
  sent.left = readings.length - sent.created - sent.existed - sent.refused.length;
  return sent;
}

/** The ids of this patient's readings that were sent before, within the days of the file. */
async function alreadyThere(client: FhirClient, patient: string, readings: Reading[]): Promise<Set<string>> {
  const moments = readings.map(({ takenAt }) => Date.parse(takenAt));
  const [first, last] = [Math.min(...moments), Math.max(...moments)].map((at) => new Date(at).toISOString());
  const there = new Set<string>();
  const search = client.search('Observation', {
    patient,
    code: `${BLOOD_PRESSURE.system}|${BLOOD_PRESSURE.code}`,
    date: [`ge${first}`, `le${last}`],
    _count: '200',
  });
  for await (const observation of search) {
    const id = readingIdOf(observation);
    if (id) there.add(id);
  }
  return there;
}
