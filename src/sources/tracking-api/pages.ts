import type { Vendor } from '../../event/event.js';
import type { Answer } from '../source.js';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' };

/** The fields that probes of RudderStack's gateway read in `/health`. It is answered only while events are accepted. */
const HEALTH = JSON.stringify({
  appType: 'TRACKBRIDGE',
  server: 'UP',
  db: 'UP',
  acceptingEvents: 'TRUE',
  routingEvents: 'TRUE',
  mode: 'NORMAL',
});

/** Answers the pages of a tracking API that carry no events. */
export function answerPage(page: 'health' | 'version' | 'robots', vendor: Vendor): Answer {
  if (page === 'robots') {
    return { status: 200, headers: TEXT_TYPE, body: 'User-agent: * \nDisallow: / \n' };
  }
  if (page === 'health' && vendor === 'rudderstack') {
    return { status: 200, headers: JSON_TYPE, body: HEALTH };
  }
  const body = page === 'health' ? '{"status":"ok"}' : '{"Version":"trackbridge"}';
  return { status: 200, headers: JSON_TYPE, body };
}

/** Segment's browser SDK reports its metrics to `/v1/m`. They are acknowledged and dropped. */
export function answerTelemetry(): Answer {
  return { status: 200, headers: JSON_TYPE, body: '{"success":true}' };
}
