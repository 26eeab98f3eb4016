import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDefinitions } from '../../src/fhir/definitions/open-definitions.ts';

/** The R4 definitions, opened once for all tests of a process. */
export const definitions = await openDefinitions(join(tmpdir(), 'connected-systems-test-definitions'));
