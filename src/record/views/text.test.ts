import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResource } from './parse-resource.ts';
import {
  conceptText,
  notesText,
  quantityText,
  rangeText,
  ratioText,
  referenceText,
  valueText,
} from './text.ts';

describe('FHIR data types in words', () => {
  it('name a concept by what its author wrote, then by a display, then by its code', () => {
    const coding = [{ system: 'http://snomed.info/sct', code: '38341003' }, { display: 'Hypertension' }];
    assert.equal(conceptText({ text: 'High blood pressure', coding }), 'High blood pressure');
    assert.equal(conceptText({ coding }), 'Hypertension');
    assert.equal(conceptText({ coding: coding.slice(0, 1) }), '38341003');
    assert.equal(conceptText({ coding: [{ display: 'A' }, { display: 'B', userSelected: true }] }), 'B');
    assert.equal(conceptText({}), '');
    assert.equal(conceptText(undefined), '');
  });

  it('print a quantity with the digits that were sent', () => {
    const sent = (json: string) => quantityText(parseResource<never>(json));
    assert.equal(sent('{"value":7.0,"unit":"mmol/L"}'), '7.0 mmol/L');
    assert.equal(sent('{"value":0.10}'), '0.10');
    assert.equal(sent('{"value":72,"unit":"beats/minute"}'), '72 beats/minute');
    assert.equal(sent('{"value":5e3,"unit":"m"}'), '5000 m');
  });

  it('say what a comparator means, and leave out units that are only for machines', () => {
    assert.equal(quantityText({ value: 5, comparator: '<', unit: 'ng/L' }), 'less than 5 ng/L');
    assert.equal(quantityText({ value: 5, comparator: '>=', unit: '%' }), 'at least 5%');
    assert.equal(quantityText({ value: 9, unit: '{score}' }), '9');
    assert.equal(quantityText({ value: 1.5, code: 'mL' }), '1.5 mL');
    assert.equal(quantityText({ unit: 'tablet' }), 'tablet');
    assert.equal(quantityText(undefined), '');
  });

  it('say a range once in its unit, and one side when there is one', () => {
    const of = (value: number) => ({ value, unit: 'mmol/L' });
    assert.equal(rangeText({ low: of(3.5), high: of(5.3) }), '3.5 to 5.3 mmol/L');
    assert.equal(rangeText({ low: of(60) }), '60 mmol/L or more');
    assert.equal(rangeText({ high: of(5) }), '5 mmol/L or less');
    assert.equal(rangeText({ low: { value: 1, unit: 'g' }, high: { value: 2, unit: 'kg' } }), '1 g to 2 kg');
    assert.equal(rangeText({}), '');
  });

  it('name people and places, and never print an address for machines', () => {
    assert.equal(referenceText({ display: 'Dr Ann Lee' }), 'Dr Ann Lee');
    assert.equal(referenceText({ identifier: { value: 'RX1' } }), 'RX1');
    assert.equal(referenceText({ reference: 'Practitioner/123' } as never), '');
  });

  it('find the value of an observation in whatever form it has', () => {
    const said = (of: Parameters<typeof valueText>[0]) => valueText(of, (date) => `on ${date}`);
    assert.equal(said({ valueBoolean: false }), 'No');
    assert.equal(said({ valueInteger: 0 }), '0');
    assert.equal(said({ valueString: 'Clear' }), 'Clear');
    assert.equal(said({ valueCodeableConcept: { text: 'Not detected' } }), 'Not detected');
    assert.equal(said({ valueRatio: { numerator: { value: 1 }, denominator: { value: 64 } } }), '1 to 64');
    assert.equal(said({ valueDateTime: '2020' }), 'on 2020');
    assert.equal(said({ valueSampledData: {} }), 'A recording (not shown)');
    assert.equal(said({}), '');
  });

  it('join notes and leave out what is empty', () => {
    assert.equal(notesText([{ text: 'One' }, {}, { text: 'Two' }]), 'One\nTwo');
    assert.equal(ratioText({ numerator: { value: 3, unit: 'mg' } }), '3 mg');
  });
});
