import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Web } from '../web/index.ts';
import type { PatientSessions } from './sessions.ts';
import type { PatientSession } from './store.ts';

/** The patient at the page, as every page behind `requirePatient` may rely on. */
export type SignedInPatient = { accountId: string; patientId: string; name: string; email: string };

declare module 'fastify' {
  interface FastifyRequest {
    patientSession: PatientSession | null;
  }
}

export const PLACES = { home: '/my', account: '/my/account', signOut: '/my/sign-out' } as const;

/** An onRequest hook for this room alone: on its pages the viewer is the patient or nobody, never staff. */
export function createRecognisePatient(sessions: PatientSessions) {
  return async function recognisePatient(request: FastifyRequest): Promise<void> {
    const session = await sessions.load(request);
    request.patientSession = session;
    request.viewer = session && {
      name: session.account.name,
      role: 'patient',
      roleName: 'Patient',
      organisationName: null,
      canSwitchOrganisation: false,
      places: PLACES,
      csrf: session.csrf,
    };
  };
}

/** A hook for routes that only a patient who is signed in may see; others are led to sign-in. */
export function createRequirePatient(web: Pick<Web, 'flash'>) {
  return async function requirePatient(request: FastifyRequest, reply: FastifyReply) {
    if (request.patientSession) return;
    const reading = request.method === 'GET' || request.method === 'HEAD';
    if (!reading) {
      web.flash(reply, {
        kind: 'information',
        text: 'You were not signed in any more. Nothing was changed: sign in and do it again.',
      });
    }
    return reply.redirect(`/my/sign-in${reading ? `?next=${encodeURIComponent(request.url)}` : ''}`, 303);
  };
}

/** The patient of a request behind requirePatient. */
export function patientOf(request: FastifyRequest): SignedInPatient {
  const account = request.patientSession?.account;
  if (!account) throw new Error('this route must be behind requirePatient');
  return { accountId: account.id, patientId: account.patientId, name: account.name, email: account.email };
}

/** The header's links for a patient. */
export const PATIENT_NAVIGATION = [
  { text: 'Record', href: '/my/record' },
  { text: 'Letters', href: '/my/letters' },
  { text: 'Sharing', href: '/my/sharing' },
  { text: 'Who has looked', href: '/my/access' },
];
