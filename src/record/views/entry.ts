/** One entry of a record as the page shows it. Every text is plain: templates escape it. */
export type EntryView = {
  title: string;
  /** 'Since 3 May 2019': the date that matters, or ''. */
  when: string;
  /** Said beside the title; `tone` is a colour of the tag and never says anything alone. */
  status: { text: string; tone: Tone } | null;
  /** What else is known, in the order in which it matters. Empty texts are left out. */
  details: { name: string; text: string }[];
};

export type Tone = 'green' | 'grey' | 'orange' | 'red' | 'blue';

/** Makes an entry: the details are given as pairs, and what is empty is not shown. */
export function entryView(
  title: string,
  when: string,
  status: EntryView['status'],
  details: [name: string, text: string | undefined][],
): EntryView {
  return {
    title,
    when,
    status,
    details: details.flatMap(([name, text]) => (text ? [{ name, text }] : [])),
  };
}
