import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Patient, Resource } from '@medplum/fhirtypes';
import { randomResource } from '../../../test/support/random-resource.ts';
import { testDefinitions } from '../../../test/support/world.ts';
import type { Definitions } from '../../fhir/definitions/definitions.ts';
import { lineChart } from '../chart/line-chart.ts';
import { LISTS, type ListName } from '../sections.ts';
import { medicineView } from './medicine.ts';
import { measureName, resultView } from './observation.ts';
import { patientBanner } from './patient.ts';

const EACH = 150;

/** What JavaScript prints where somebody forgot to look whether a value is there. */
const FORGOTTEN = /\[object|undefined|\bnull\b|NaN|Invalid Date|Infinity/;

describe('any valid R4 resource', () => {
  let definitions: Definitions;
  before(async () => {
    definitions = await testDefinitions();
  });

  for (const name of Object.keys(LISTS) as ListName[]) {
    for (const type of LISTS[name].types) {
      it(`of type ${type} becomes an entry with a title and without slips`, () => {
        for (let seed = 0; seed < EACH; seed++) {
          const resource = randomResource(definitions, type, seed);
          const view = LISTS[name].view(resource as unknown as Resource);
          assert.notEqual(view.title, '', `seed ${seed}`);
          assert.doesNotMatch(
            JSON.stringify({ ...view, status: view.status ?? '' }),
            FORGOTTEN,
            `seed ${seed}`,
          );
        }
      });

      it(`of type ${type} with nothing in it becomes one too`, () => {
        const view = LISTS[name].view({ resourceType: type } as unknown as Resource);
        assert.notEqual(view.title, '');
        assert.deepEqual(view.details, []);
      });
    }
  }

  it('of type Observation becomes a result, and several a chart or none', () => {
    for (let seed = 0; seed < EACH; seed++) {
      const views = [0, 1, 2].map((n) => {
        const observation = randomResource(definitions, 'Observation', seed * 3 + n);
        assert.notEqual(measureName(observation), '');
        return resultView(observation);
      });
      assert.doesNotMatch(
        JSON.stringify(views.map((view) => ({ ...view, time: 0, numbers: [] }))),
        FORGOTTEN,
      );
      const chart = lineChart('Anything', views);
      if (chart) {
        const texts = JSON.stringify(chart, (_key, value) => value ?? '');
        assert.doesNotMatch(texts, FORGOTTEN, `seed ${seed}`);
      }
    }
  });

  it('of type Patient becomes a header', () => {
    for (let seed = 0; seed < EACH; seed++) {
      const patient = randomResource(definitions, 'Patient', seed) as Partial<Patient>;
      const banner = patientBanner(patient, { birthDate: null, deceased: false }, new Date('2026-11-22'));
      assert.notEqual(banner.name, '');
      assert.doesNotMatch(JSON.stringify({ ...banner, number: '' }), FORGOTTEN, `seed ${seed}`);
    }
  });
});

describe('a medicine', () => {
  it('is named by the resource it contains, when that is where its name is', () => {
    const view = medicineView({
      resourceType: 'MedicationRequest',
      medicationReference: { reference: '#m' },
      contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'Amoxicillin 500 mg' } }],
    });
    assert.equal(view.title, 'Amoxicillin 500 mg');
  });

  it('that must not be given says so first', () => {
    const view = medicineView({ resourceType: 'MedicationRequest', doNotPerform: true });
    assert.deepEqual(view.details[0], { name: 'Do not take', text: 'This is an instruction not to give it' });
  });

  it('is taken as its author says, else as the parts of the dose say', () => {
    const how = (dosage: object) =>
      medicineView({ resourceType: 'MedicationStatement', dosage: [dosage] }).details[0]?.text;
    assert.equal(how({ text: 'One at night' }), 'One at night');
    assert.equal(
      how({
        doseAndRate: [{ doseQuantity: { value: 2, unit: 'tablets' } }],
        timing: { repeat: { frequency: 3, period: 1, periodUnit: 'd' } },
        route: { text: 'by mouth' },
        asNeededBoolean: true,
      }),
      '2 tablets, 3 times a day, by mouth, as needed',
    );
    assert.equal(how({ timing: { repeat: { period: 2, periodUnit: 'wk' } } }), 'once every 2 weeks');
  });
});
