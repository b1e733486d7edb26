import { parentPort, workerData } from 'node:worker_threads';
import { type DeliveryToExplain, explainDelivery } from './explain-delivery.js';

/** The entry of a thread that explains one delivery: looking for what is wrong takes seconds, and answers must not wait. */
parentPort?.postMessage(explainDelivery(workerData as DeliveryToExplain));
