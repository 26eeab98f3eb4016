export type { OpenRecord, RecordRead } from './open-record.ts';
export { recordPages } from './record-pages.ts';
export { recordRoutes } from './routes.ts';
