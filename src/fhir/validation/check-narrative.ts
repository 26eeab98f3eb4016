import { type Issue, issue } from './issue.ts';

/**
 * R4 section 2.4 (narrative): XHTML that shows text and does nothing else. Whatever is not on the lists below is
 * refused, so that a page which shows a narrative cannot be made to run, load or send anything.
 */
export function checkNarrative(xhtml: string, path: string): Issue[] {
  const refuse = (reason: string) => [issue('security', path, 'Narrative: ' + reason)];
  const open: string[] = [];
  let position = 0;
  for (const match of xhtml.matchAll(MARKUP)) {
    if (!isPlainText(xhtml.slice(position, match.index))) return refuse('a stray < or & is not well-formed');
    position = match.index + match[0].length;
    const [markup, closing, opening, attributes = '', empty] = match;
    if (markup.startsWith('<!--')) continue;
    if (closing) {
      if (open.pop() !== closing) return refuse('the elements are not balanced');
      continue;
    }
    const element = opening ?? '';
    if (!ELEMENTS.has(element)) return refuse('an element is not allowed');
    if (open.length === 0 && (element !== 'div' || match.index > xhtml.search(/\S/))) {
      return refuse('it must be one div');
    }
    const reason = attributesRefusal(element, attributes);
    if (reason) return refuse(reason);
    if (!empty) open.push(element);
    if (open.length > 64) return refuse('it is nested too deeply');
  }
  if (open.length > 0 || position === 0 || xhtml.slice(position).trim() !== '') {
    return refuse('it must be one div, closed, with nothing after it');
  }
  return [];
}

/** A comment without angle brackets, an end tag, or a start tag: anything else stays text, and text has no `<`. */
const MARKUP =
  /<!--[^<>]*-->|<\/([a-z][a-z0-9]*)\s*>|<([a-z][a-z0-9]*)((?:\s+[a-zA-Z][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/)?>/g;

const isPlainText = (text: string): boolean => !text.includes('<') && !/&(?!#?\w{1,31};)/.test(text);

const ELEMENTS = new Set(
  (
    'div p br hr h1 h2 h3 h4 h5 h6 span b i u s em strong big small tt sub sup pre code samp kbd var blockquote q ' +
    'cite abbr acronym address dfn del ins bdo ul ol li dl dt dd a img table caption colgroup col thead tbody tfoot ' +
    'tr th td'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'xmlns id class lang xml:lang dir title style href name src alt width height border align valign colspan rowspan ' +
    'cellpadding cellspacing abbr axis headers scope char charoff span rules frame summary cite start type value rel ' +
    'rev nowrap bgcolor color tabindex'
  ).split(' '),
);

function attributesRefusal(element: string, attributes: string): string | undefined {
  for (const [, name = '', double, single] of attributes.matchAll(
    /([a-zA-Z][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
  )) {
    const value = double ?? single ?? '';
    if (!ATTRIBUTES.has(name)) return 'an attribute is not allowed';
    if (name === 'xmlns' && value !== 'http://www.w3.org/1999/xhtml') return 'the namespace is not XHTML';
    if (/&(?!#?\w{1,31};)/.test(value)) return 'an attribute is not well-formed';
    if (name === 'style' && !isHarmlessStyle(value)) return 'a style must not load or run anything';
    if (name === 'src' && !(element === 'img' && IMAGE.test(value)))
      return 'an image must be within the resource';
    if ((name === 'href' || name === 'cite') && !LINK.test(value))
      return 'a link must be http, https, mailto, tel or #';
  }
  return undefined;
}

/** Backslashes, comments and character references are the ways to hide a word from this test. */
const isHarmlessStyle = (value: string): boolean =>
  !/url|expression|import|script|binding|behavio|[\\<>@&]|\/\*/i.test(value);

const IMAGE = /^(#[\w.-]+|data:image\/(png|gif|jpeg);base64,[A-Za-z0-9+/=\s]*)$/;

/** Only `&amp;` may stand for a character here, so that a scheme cannot be spelled out in references. */
const LINK = /^(?:https?:\/\/|mailto:|tel:|#)(?:[^&\s"'<>]|&amp;)*$/;
