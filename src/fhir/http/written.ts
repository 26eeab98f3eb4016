import { type Answer, versionHeaders } from './answer.ts';
import { type Call, preferences } from './call.ts';
import { successText } from './refusal.ts';

export type WrittenVersion = {
  type: string;
  id: string;
  version: number;
  updatedAt: Date;
  content: string | null;
  patientId: string | null;
};

/** The answer to a write (R4 sections 3.1.0.8 and 3.1.0.1.10): what was stored, unless less is preferred. */
export function writtenAnswer(call: Call, status: 200 | 201, written: WrittenVersion): Answer {
  const { type, id, version, updatedAt, content, patientId } = written;
  const preferred = preferences(call).get('return');
  const done = `${type} is stored as version ${version}`;
  return {
    status,
    body: preferred === 'minimal' ? null : preferred === 'OperationOutcome' ? successText(done) : content,
    headers: {
      ...versionHeaders(version, updatedAt),
      location: `${call.base}/${type}/${id}/_history/${version}`,
    },
    resourceId: id,
    patients: patientId ? [patientId] : [],
    count: 1,
  };
}
