import { Marked, type RendererThis, type Tokens } from 'marked';
import type { Picture } from './guides.ts';

type Around = {
  /** Told what is wrong with the guide; the page is shown all the same, without what was wrong. */
  onProblem: (what: string) => void;
  /** Addresses of the guides by their file's name. */
  addresses: ReadonlyMap<string, string>;
  pictures: ReadonlyMap<string, Picture>;
};

/**
 * A guide as a page: its first heading is the title, its first sentence the `lead`, the rest HTML in nhsuk-frontend's classes. Guides are files of
 * this product, written by us; raw HTML in them is not taken all the same, so that Markdown is all there is to review.
 */
export function renderGuide(markdown: string, around: Around): { title: string; lead: string; html: string } {
  const marked = new Marked({ gfm: true, renderer: rendererFor(around) });
  const [first, ...rest] = marked.lexer(markdown).filter(({ type }) => type !== 'space');
  if (first?.type !== 'heading' || (first as Tokens.Heading).depth !== 1) {
    throw new Error('a guide begins with its title');
  }
  const lead = (rest[0] as Tokens.Paragraph | undefined)?.text.split(/(?<=[.:])\s/, 1)[0] ?? '';
  return { title: (first as Tokens.Heading).text, lead, html: marked.parser(rest) };
}

const SHORT_CODE = 26;

const HEADING_CLASS: Record<number, string> = {
  2: 'nhsuk-heading-m',
  3: 'nhsuk-heading-s',
  4: 'nhsuk-heading-xs',
};

function rendererFor({ onProblem, addresses, pictures }: Around) {
  const taken = new Map<string, number>();
  let heading = '';
  /** The same name again gets a number, so that no two places on a page are called alike. */
  const unique = (name: string, numbered: (name: string, number: number) => string) => {
    const before = taken.get(name) ?? 0;
    taken.set(name, before + 1);
    return before === 0 ? name : numbered(name, before);
  };
  const region = (kind: string) => {
    const name = unique(`${kind}: ${heading || 'overview'}`, (again, before) => `${again} (${before + 1})`);
    return `role="region" tabindex="0" aria-label="${name}"`;
  };

  return {
    heading(this: RendererThis, { tokens, depth, text }: Tokens.Heading) {
      heading = plain(text);
      const id = unique(slugOf(text), (slug, before) => `${slug}-${before}`);
      const inner = this.parser.parseInline(tokens);
      return `<h${depth} class="${HEADING_CLASS[depth]}" id="${id}">${inner}</h${depth}>\n`;
    },
    list(this: RendererThis, token: Tokens.List) {
      const kind = token.ordered ? 'ol' : 'ul';
      const start = token.ordered && token.start !== 1 ? ` start="${token.start}"` : '';
      const items = token.items.map((item) => `<li>${this.parser.parse(item.tokens)}</li>\n`).join('');
      return `<${kind} class="nhsuk-list nhsuk-list--${token.ordered ? 'number' : 'bullet'}"${start}>\n${items}</${kind}>\n`;
    },
    blockquote(this: RendererThis, { tokens }: Tokens.Blockquote) {
      return `<div class="nhsuk-inset-text">${this.parser.parse(tokens)}</div>\n`;
    },
    // What can be wider than the page scrolls by itself, by keyboard too (WCAG 2.1.1), and is named for that.
    table(this: RendererThis, { header, rows }: Tokens.Table) {
      const inline = (cell: Tokens.TableCell) => this.parser.parseInline(cell.tokens);
      const named = header.some(({ text }) => text !== '');
      const head = header.map((cell) =>
        cell.text === '' ? '<td></td>' : `<th scope="col">${inline(cell)}</th>`,
      );
      const body = rows.map(
        (row) =>
          `<tr>${row.map((cell) => `<td class="nhsuk-table__cell">${inline(cell)}</td>`).join('')}</tr>`,
      );
      return `<div class="cs-table-scroll" ${region('Table')}>
<table class="nhsuk-table">${named ? `<thead class="nhsuk-table__head"><tr>${head.join('')}</tr></thead>` : ''}
<tbody class="nhsuk-table__body">${body.join('\n')}</tbody></table></div>\n`;
    },
    code({ text }: Tokens.Code) {
      return `<pre class="cs-example" ${region('Example')}><code>${escaped(text)}</code></pre>\n`;
    },
    codespan({ text }: Tokens.Codespan) {
      // A short name is easier to recognise whole; a long one must break to fit a phone.
      const whole = text.length <= SHORT_CODE && !text.includes(' ');
      return `<code class="cs-code${whole ? ' cs-nowrap' : ''}">${escaped(text)}</code>`;
    },
    image({ href, text }: Tokens.Image) {
      const name = /(?:^|\/)pictures\/([^/]+)$/.exec(href)?.[1] ?? '';
      const picture = pictures.get(name);
      if (!text) onProblem(`the picture ${href} has no words for those who cannot see it`);
      if (!picture) {
        onProblem(`there is no picture ${href}`);
        return escaped(text);
      }
      const { width, height } = picture;
      const src = `/help/pictures/${name}`;
      const image = `<img class="cs-figure" src="${src}" alt="${escaped(text)}" width="${width}" height="${height}" loading="lazy">`;
      return `<a class="cs-picture" href="${src}">${image}</a>`;
    },
    link(this: RendererThis, { href, tokens }: Tokens.Link) {
      const inner = this.parser.parseInline(tokens);
      if (/^(https:|mailto:|#)/.test(href)) return `<a href="${escaped(href)}">${inner}</a>`;
      const [path = '', fragment] = href.split('#');
      const address = addresses.get(path.split('/').at(-1) ?? '');
      if (!address) {
        onProblem(`the link to ${href} leads to no guide`);
        return inner;
      }
      return `<a href="${address}${fragment ? `#${fragment}` : ''}">${inner}</a>`;
    },
    html({ text }: Tokens.HTML | Tokens.Tag) {
      if (/^<!--[\s\S]*?-->\s*$/.test(text)) return '';
      onProblem(`HTML is not taken: ${text.trim()}`);
      return escaped(text);
    },
  };
}

/** The heading's id as GitHub makes it, so that the same links work in the repository. */
const slugOf = (text: string) =>
  plain(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const plain = (text: string) => escaped(text.replace(/[`*_]/g, ''));

const escaped = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
