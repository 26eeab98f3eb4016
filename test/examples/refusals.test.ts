import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adviceFor } from '../../examples/shared/advice.ts';
import { explain, refusalIn } from '../../examples/shared/refused.ts';
import { REFUSALS } from '../../src/fhir/http/refusal-codes.ts';

const outcome = (status: number, code: string, text: string, expression?: string[]) =>
  new Response(
    JSON.stringify({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'forbidden', details: { coding: [{ code }], text }, expression }],
    }),
    { status, headers: { 'x-request-id': 'ref-1' } },
  );

describe('a refusal, as the examples tell it', () => {
  it('says what, what to do and what to quote', async () => {
    const refused = await refusalIn(outcome(403, 'connection-revoked', 'Access was revoked.'));
    assert.equal(
      explain(refused),
      [
        'Refused: Access was revoked. (connection-revoked, HTTP 403)',
        'What to do: Stop calling. If it was not meant, ask the organisation to grant access again.',
        'Reference: ref-1',
        'Quote it when you ask for help: the administrator sees it in the list of your calls.',
      ].join('\n'),
    );
  });

  it('says where in a resource the mistake is', async () => {
    const refused = await refusalIn(outcome(422, 'resource-invalid', 'is missing', ['Observation.status']));
    assert.equal(refused.message, 'Observation.status: is missing');
  });

  it('reads the token endpoint’s errors as well', async () => {
    const body = { error: 'invalid_scope', error_description: 'Nothing asked for.' };
    const refused = await refusalIn(new Response(JSON.stringify(body), { status: 400 }));
    assert.equal(refused.code, 'invalid_scope');
    assert.match(
      explain(refused),
      /^Refused: Nothing asked for\. \(invalid_scope, HTTP 400\)\nWhat to do: Ask only/,
    );
  });

  it('copes with an answer that is no refusal of ours', async () => {
    const refused = await refusalIn(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    assert.equal(refused.code, 'http-502');
    assert.match(explain(refused), /The service gave no reason.*\nWhat to do: Wait a little/);
  });

  it('has advice of its own for every refusal about who asks and for whom', () => {
    const general = adviceFor('no-such-code', 403);
    const codes = Object.keys(REFUSALS).filter((code) =>
      /^(token|system|organisation|connection|scope|label-not)-/.test(code),
    );
    assert.ok(codes.length >= 10, codes.join());
    for (const code of codes) assert.notEqual(adviceFor(code, 403), general, code);
  });
});
