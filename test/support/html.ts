import { HtmlValidate } from 'html-validate';

const checker = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    // Style, not correctness; nhsuk-frontend writes both forms.
    'void-style': 'off',
    'no-trailing-whitespace': 'off',
    'attribute-boolean-style': 'off',
    'no-inline-style': 'error',
    // Text that must not break is nhsuk-frontend's and the reader's business.
    'tel-non-breaking': 'off',
    // nhsuk-frontend repeats native roles for old assistive technology.
    'no-redundant-role': 'off',
    'prefer-native-element': 'off',
    'long-title': 'off',
    // autocapitalize is a global attribute, and a password that is shown becomes a text field.
    'input-attributes': 'off',
    // Forms of ours send with plain GET or POST; the browser's own checks are off so that errors are ours.
    'require-sri': 'off',
    // Checkboxes of one question share its name.
    'form-dup-name': ['error', { shared: ['radio', 'checkbox', 'button', 'submit', 'reset'] }],
  },
});

/** What is wrong with a page's HTML, as text; empty when nothing is. */
export async function htmlProblems(html: string): Promise<string[]> {
  const report = await checker.validateString(html);
  return report.results.flatMap(({ messages }) =>
    messages.map(({ line, ruleId, message }) => `${ruleId} at line ${line}: ${message}`),
  );
}
