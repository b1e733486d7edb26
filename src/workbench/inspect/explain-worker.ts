import { parentPort, workerData } from 'node:worker_threads';
import { type DeliveryToExplain, explainDelivery } from './explain-delivery.js';

/** The entry point of a thread that explains one delivery: the search takes seconds and must not delay answers. */
parentPort?.postMessage(explainDelivery(workerData as DeliveryToExplain));
