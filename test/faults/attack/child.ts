// A process of its own, so that it delays honest deliveries only by what it does to the receiver.
// Arguments: the receiver's port, the name of the attack.
import { connect } from 'node:net';
import { ATTACKS, type AttackName } from './bodies.js';

/** How long an attacker waits before it connects again, milliseconds. */
const AGAIN_AFTER_MS = 50;

const [port, name] = process.argv.slice(2);
const { bytes, connections } = ATTACKS[name as AttackName]();

function attack(): void {
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('connect', () => socket.write(bytes));
  socket.on('data', (answer) => {
    if (answer.includes('HTTP/1.1 ')) socket.write(bytes);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(attack, AGAIN_AFTER_MS));
}

for (let count = 0; count < connections; count++) attack();
// Whoever started it may be gone without a word.
process.on('disconnect', () => process.exit());
