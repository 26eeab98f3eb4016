import assert from 'node:assert/strict';
import fc from 'fast-check';
import { modelOf, store } from './build-world.ts';
import { checkAnswer, createRefusals, type Refusals } from './check-answer.ts';
import { expected } from './expected.ts';
import { happen } from './happen.ts';
import type { Model } from './model.ts';
import type { Request } from './request.ts';
import { resolve } from './resolve.ts';
import type { Service } from './service.ts';
import { type Step, step } from './step-spec.ts';
import { type Type, type WorldSpec, worldSpec } from './world-spec.ts';

const STEPS_MAX = 100;
/** Worlds side by side in one database: they must not know of each other either. */
const LANES = Number(process.env.ISOLATION_LANES ?? 4);

/**
 * Lives through random worlds and holds every answer against the model. What fails is shrunk to the smallest world
 * and steps that still fail; the seed is in the message. `atEnd` may look at what a world has become.
 */
export async function prove(
  service: Service,
  { seed, worlds, atEnd }: { seed: number; worlds: number; atEnd?: (model: Model) => Promise<void> },
) {
  const refusals = createRefusals();
  const lanes = await Promise.allSettled(
    Array.from({ length: LANES }, (_, lane) =>
      fc.assert(
        fc.asyncProperty(
          worldSpec,
          fc.array(step, { minLength: 1, maxLength: STEPS_MAX, size: 'max' }),
          async (spec, steps) => {
            const model = await live(service, refusals, spec, steps);
            await atEnd?.(model);
          },
        ),
        {
          seed: seed + lane,
          numRuns: Math.ceil(worlds / LANES),
          endOnFailure: process.env.ISOLATION_SHRINK === 'no',
        },
      ),
    ),
  );
  // All lanes are done before the service may be stopped.
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
  // That worlds were lived through, and things were seen in them, and not only refused.
  assert.ok(service.sent() >= 10 * worlds, `${service.sent()} requests`);
  for (const answer of [
    'read 200',
    'search 200',
    'create 201',
    'update 200',
    'not-found',
    'scope-insufficient',
  ]) {
    assert.ok(refusals.counts.has(answer), `no ${answer} among the answers`);
  }
  return { counts: refusals.counts };
}

async function live(service: Service, refusals: Refusals, spec: WorldSpec, steps: Step[]): Promise<Model> {
  const model = modelOf(spec);
  await store(service, model);
  for (const one of steps) {
    if (one.kind === 'event') await happen(service, model, one.event);
    else await ask(service, refusals, model, resolve(model, one));
  }
  for (const request of everySearch(model)) await ask(service, refusals, model, request);
  return model;
}

async function ask(service: Service, refusals: Refusals, model: Model, request: Request) {
  const answer = expected(model, request);
  try {
    await checkAnswer(service, request, answer, refusals);
  } catch (error) {
    const { happens, ...told } = answer;
    throw new Error(`${JSON.stringify(request)}\nexpected ${JSON.stringify(told)}`, { cause: error });
  }
}

/** At a world's end, all that each connection gives. */
function everySearch(model: Model): Request[] {
  return model.connections.flatMap(({ organisation, clientId }) => {
    const token = model.tokens.find((one) => one.clientId === clientId);
    if (!token) return [];
    return (['Patient', 'Observation', 'Condition', 'Location'] satisfies Type[]).map((type) => ({
      secret: token.secret,
      named: organisation,
      inHeader: false,
      organisation,
      act: {
        act: 'search' as const,
        type,
        patient: null,
        ids: null,
        identifier: null,
        page: { count: 200, total: true, sort: '' as const, only: false, post: false },
      },
    }));
  });
}
