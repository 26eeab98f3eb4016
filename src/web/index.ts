export { valueTicks } from './chart/value-axis.ts';
export { csvLine } from './csv.ts';
export { filters } from './filters.ts';
export type { Flash } from './flash.ts';
export { badRequest, notFound, PageError, roleNeeded } from './page-error.ts';
export type { NavigationItem, Pages } from './pages.ts';
export { setUpWeb, type Web } from './set-up.ts';
export { createSigner, sameText } from './signed.ts';
export type { Viewer } from './viewer.ts';
