import sanitizeHtml from 'sanitize-html';

const OPTIONS: sanitizeHtml.IOptions = {
  allowedTags: [
    ...['p', 'br', 'hr', 'div', 'span', 'blockquote', 'pre', 'address', 'h2', 'h3', 'h4', 'h5', 'h6'],
    ...[
      'strong',
      'b',
      'em',
      'i',
      'u',
      's',
      'small',
      'sub',
      'sup',
      'abbr',
      'ul',
      'ol',
      'li',
      'dl',
      'dt',
      'dd',
    ],
    ...['table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'a'],
  ],
  allowedAttributes: {
    a: ['href', 'rel'],
    ol: ['start'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan', 'scope'],
    '*': ['lang', 'dir'],
  },
  allowedSchemes: ['https', 'http', 'mailto', 'tel'],
  allowProtocolRelative: false,
  // Their text is not for reading either.
  nonTextTags: [
    'script',
    'style',
    'title',
    'textarea',
    'option',
    'noscript',
    'template',
    'svg',
    'math',
    'iframe',
    'object',
  ],
  transformTags: {
    // An address within this service would be followed with the patient's session.
    a: (tagName, { href = '' }): sanitizeHtml.Tag =>
      /^(https?:\/\/|mailto:|tel:)/i.test(href)
        ? { tagName, attribs: { href, rel: 'noopener noreferrer nofollow external' } }
        : { tagName: 'span', attribs: {} },
    // What a picture would have said.
    img: (_tagName, { alt = '' }): sanitizeHtml.Tag => ({ tagName: 'span', attribs: {}, text: alt }),
  },
  nestingLimit: 60,
  parser: { decodeEntities: true },
};

/** Headings move one level down, since the page has its own first. */
const HEADINGS = { h1: 'h2', h2: 'h3', h3: 'h4', h4: 'h5', h5: 'h6' };
const MOVING = { ...OPTIONS, transformTags: { ...HEADINGS, ...OPTIONS.transformTags } };

/**
 * A letter's HTML as it may stand inside a page of ours: an allow-list of plain text elements. No script, style, form,
 * frame or picture, no attribute by which anything is loaded or overlaid, no id or class to collide with the page's.
 * Read twice: what stood around an element that is left out may have kept the next from ending it, and a browser, which
 * no longer sees that one, would read the rest otherwise.
 */
export const safeHtml = (html: string): string => sanitizeHtml(sanitizeHtml(html, MOVING), OPTIONS);

/** What is downloaded of an HTML letter: its safe text, readable by itself. A file that was taken away has no CSP. */
export const htmlPage = (title: string, html: string): string =>
  `<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body>${html}</body></html>\n`;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
