import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkNarrative } from './check-narrative.ts';

const div = (inner: string) => `<div xmlns="http://www.w3.org/1999/xhtml">${inner}</div>`;
const isSafe = (xhtml: string) => checkNarrative(xhtml, 'Patient.text.div').length === 0;

test('plain, formatted and tabular text is kept', () => {
  for (const inner of [
    '',
    'Anna &amp; Ben &lt; 5 &#233; &nbsp; "quoted" \'so\' > that',
    '<p>One<br/>two <b class="x">three</b></p>',
    '<table border=\'1\'><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
    '<!-- a remark --><ul><li>a</li><li>b</li></ul >',
    '<a href="https://example.org/?a=1&amp;b=2">x</a><a href="#part">y</a><a name="part"></a>',
    '<img src="data:image/png;base64,iVBORw0KGgo=" alt="a graph"/><img src="#image"/>',
    '<span style="color: red; width: 50%" lang="en-GB" xml:lang="en-GB">styled</span>',
  ]) {
    assert.ok(isSafe(div(inner)), inner);
  }
  assert.ok(isSafe('\n  <div>without a namespace</div>\n'));
});

const UNSAFE = [
  '<script>alert(1)</script>',
  '<SCRIPT>alert(1)</SCRIPT>',
  '<p onclick="x()">a</p>',
  '<p ONCLICK="x()">a</p>',
  '<img src="x" onerror=\'x()\'/>',
  '<img src="https://tracker.example/1.gif"/>',
  '<img src="//tracker.example/1.gif"/>',
  '<img src="data:image/svg+xml;base64,AAAA"/>',
  '<a href="javascript:x()">a</a>',
  '<a href=" javascript:x()">a</a>',
  '<a href="java&#115;cript:x()">a</a>',
  '<a href="&#x6a;avascript:x()">a</a>',
  '<a href="data:text/html,x">a</a>',
  '<a href="/relative">a</a>',
  '<q cite="javascript:x()">a</q>',
  '<p style="background: url(https://x)">a</p>',
  '<p style="background: u\\72l(https://x)">a</p>',
  '<p style="background: u/**/rl(https://x)">a</p>',
  '<p style="background: &#117;rl(https://x)">a</p>',
  '<p style="width: expression(x)">a</p>',
  '<style>p {}</style>',
  '<link rel="stylesheet" href="https://x"/>',
  '<meta http-equiv="refresh" content="0"/>',
  '<base href="https://x"/>',
  '<form action="https://x"><input name="a"/></form>',
  '<iframe src="https://x"></iframe>',
  '<object data="https://x"></object>',
  '<embed src="https://x"/>',
  '<svg><a>x</a></svg>',
  '<math>x</math>',
  '<svg:script>x</svg:script>',
  '<p>unclosed',
  '</div><div>',
  '<p><b>crossed</p></b>',
  '<p class=bare>a</p>',
  '<p class>a</p>',
  '<p class="a"id="b">a</p>',
  '<br>',
  'a < b',
  'a & b',
  '&nosemicolon',
  '<![CDATA[<script>x</script>]]>',
  '<?php x ?>',
  '<!-- > --><script>x</script><!-- -->',
  '<!--><script>x</script>-->',
  '<!DOCTYPE html>',
  '<p xmlns="http://www.w3.org/2000/svg">a</p>',
  '<p xmlns:x="http://www.w3.org/2000/svg">a</p>',
];

for (const inner of UNSAFE) {
  test(`a narrative with ${inner} is refused`, () => {
    assert.ok(!isSafe(div(inner)));
  });
}

test('a narrative is one div and nothing else', () => {
  for (const xhtml of [
    '',
    'text',
    '<p>a</p>',
    '<div>a</div>x',
    'x<div>a</div>',
    '<div>a</div><div>b</div>',
    '<div',
  ]) {
    assert.ok(!isSafe(xhtml), xhtml);
  }
});

test('nothing that is accepted holds a script, a handler or an address that loads', () => {
  const pieces = fc.constantFrom(
    ...[
      '<p>',
      '</p>',
      '<b ',
      '<a href="',
      "<img src='",
      '<script',
      '>',
      '/>',
      '"',
      "'",
      ' onload=',
      'javascript:',
    ],
    ...[
      '&#',
      '&amp;',
      '106;',
      '<!--',
      '-->',
      '--',
      '<',
      'style="',
      'url(',
      'x',
      ' ',
      '=',
      '\\',
      '\n',
      'http://a',
    ],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const inner = parts.join('');
      if (!isSafe(div(inner))) return;
      const tags = inner.replace(/<!--[^<>]*-->/g, '').match(/<[^>]*>/g) ?? [];
      for (const tag of tags) assert.doesNotMatch(tag, /script|onload|url\(|src='http|<!/, inner);
    }),
    { numRuns: 5000 },
  );
});
