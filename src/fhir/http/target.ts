import type { Definitions } from '../definitions/definitions.ts';
import type { Call } from './call.ts';
import { Refusal } from './refusal.ts';

export type Interaction =
  | 'read'
  | 'vread'
  | 'history-instance'
  | 'update'
  | 'delete'
  | 'search-type'
  | 'create'
  | 'update-conditional';

/** What a request is aimed at: only its method and address were looked at. */
export type Target = { interaction: Interaction; type: string; id: string; version: string };

/** The rest of a FHIR address (R4 section 3.1.0.1) under its base. */
export function targetOf(call: Pick<Call, 'method' | 'segments'>, definitions: Definitions): Target {
  const { method, segments } = call;
  const [type = '', id = '', history, version = ''] = segments;
  const target = (methods: Partial<Record<string, Interaction>>): Target => {
    const interaction = methods[method === 'HEAD' && methods.GET ? 'GET' : method];
    if (!interaction) throw new Refusal('method-not-allowed', { headers: { allow: allowed(methods) } });
    return { interaction, type, id, version };
  };
  if (segments.length === 0) throw new Refusal('method-not-allowed', { headers: { allow: 'POST' } });
  if (!definitions.resourceTypes.has(type)) {
    throw new Refusal(/^[A-Z][A-Za-z]*$/.test(type) ? 'type-unknown' : 'interaction-unknown');
  }
  if (segments.length === 1) {
    return target({ GET: 'search-type', POST: 'create', PUT: 'update-conditional' });
  }
  if (segments.length === 2 && id === '_search') return target({ POST: 'search-type' });
  if (/^[_$]/.test(id)) throw new Refusal('interaction-unknown');
  if (segments.length === 2) return target({ GET: 'read', PUT: 'update', DELETE: 'delete' });
  if (segments.length === 3 && history === '_history') return target({ GET: 'history-instance' });
  if (segments.length === 4 && history === '_history') return target({ GET: 'vread' });
  throw new Refusal('interaction-unknown');
}

function allowed(methods: Partial<Record<string, Interaction>>): string {
  const names = Object.keys(methods);
  return (names.includes('GET') ? ['GET', 'HEAD', ...names.slice(1)] : names).join(', ');
}
