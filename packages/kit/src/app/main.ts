import type { Service } from './service.ts';

export declare function runMain(start: () => Promise<Service>): void;
