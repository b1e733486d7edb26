import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  type InspectorBrowser,
  type OpenInspector,
  type OpenOptions,
  startBrowser,
} from './browser.js';
import { type FakeApi, startFakeApi } from './fake-api.js';

export interface Harness {
  /** The API of the test that runs. */
  readonly api: FakeApi;
  /** Opens the inspector on it; closed with the test. */
  open(options?: OpenOptions): Promise<OpenInspector['page']>;
}

/** A browser for all tests of a suite, and for each an API of its own; holds that no test caused a problem in the browser. */
export function useInspector(): Harness {
  let browser: InspectorBrowser;
  let api: FakeApi;
  let opened: OpenInspector[] = [];
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    api = await startFakeApi();
    opened = [];
  });
  afterEach(async () => {
    for (const inspector of opened) await inspector.close();
    await api.close();
    expect(opened.flatMap(({ problems }) => problems)).toEqual([]);
  });
  return {
    get api() {
      return api;
    },
    async open(options = {}) {
      const inspector = await browser.open(api.url, options);
      opened.push(inspector);
      return inspector.page;
    },
  };
}
