import type { DocumentReference, Reference } from '@medplum/fhirtypes';
import { newRootId } from '../../ids.ts';
import type { Chart, Contact } from './chart.ts';
import { type Concept, concept, snomed } from './concepts.ts';

export type LetterKind = keyof typeof LETTERS;

/** A letter for the patient, with its text as attachment. */
export function recordLetter(
  chart: Chart,
  contact: Contact,
  kind: LetterKind,
  about: string,
): Reference<DocumentReference> {
  const { type, title, opening, closing } = LETTERS[kind];
  const text = [
    `${contact.organisation.name}`,
    `${chart.calendar.date(contact.day)}`,
    '',
    `${title}: ${about}`,
    '',
    'Dear patient,',
    '',
    ...opening(about),
    '',
    chart.random.pick(closing),
    '',
    'Yours sincerely,',
    contact.clinician,
  ].join('\n');
  const data = Buffer.from(text);
  return chart.add<DocumentReference>(contact, {
    resourceType: 'DocumentReference',
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${newRootId(chart.random.bytes)}` },
    status: 'current',
    docStatus: 'final',
    type: concept(type),
    category: [concept(snomed('823651000000106', 'Clinical note'), 'Letter')],
    subject: chart.patient,
    date: chart.at(contact, 12),
    author: [chart.author(contact)],
    custodian: chart.provider(contact),
    description: `${title}: ${about}`,
    content: [
      {
        attachment: {
          contentType: 'text/plain; charset=utf-8',
          language: 'en-GB',
          data: data.toString('base64'),
          size: data.length,
          title: `${title}: ${about}`,
          creation: chart.at(contact, 12),
        },
      },
    ],
    ...(contact.encounter && {
      context: { encounter: [contact.encounter], period: { start: chart.at(contact) } },
    }),
  });
}

type Letter = {
  type: Concept;
  title: string;
  opening: (about: string) => string[];
  closing: readonly string[];
};

const LETTERS = {
  clinic: {
    type: snomed('823691000000103', 'Clinical letter'),
    title: 'Clinic letter',
    opening: (about) => [
      `Thank you for coming to the clinic. We talked about ${lower(about)}, how you have been, and what you would like to happen next.`,
      'Your medicines and the results of your tests are in your record, and we have sent a copy of this letter to your practice.',
    ],
    closing: [
      'Please carry on as we agreed. We will see you again in six months, sooner if anything worries you.',
      'We have made a small change to your treatment. Please ask your practice for a blood test in four weeks.',
      'There is no need for another visit. Your practice will look after you from here and can ask us at any time.',
    ],
  },
  discharge: {
    type: snomed('823701000000103', 'Discharge letter'),
    title: 'Discharge letter',
    opening: (about) => [
      `You were seen in hospital because of ${lower(about)}. You were examined, your blood pressure, pulse and oxygen level were taken, and you were well enough to go home.`,
    ],
    closing: [
      'If it comes back or becomes worse, ring 111, or 999 in an emergency.',
      'Please see your practice within two weeks.',
    ],
  },
  plan: {
    type: snomed('734163000', 'Care plan'),
    title: 'Care plan',
    opening: (about) => [
      `This is the plan we made together about ${lower(about)}: what matters to you, what you can do yourself, and who will help with what.`,
    ],
    closing: [
      'We will go through the plan again in three months.',
      'Tell any of us when something in it no longer suits you, and we will change it.',
    ],
  },
} satisfies Record<string, Letter>;

const lower = (text: string) =>
  /^[A-Z][a-z]/.test(text) && !text.startsWith('Alzheimer') ? text[0]!.toLowerCase() + text.slice(1) : text;
