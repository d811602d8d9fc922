// SPDX-License-Identifier: Apache-2.0
// Printers that a test makes up: UDP ports that answer as it likes, alone or by handing on to the demo's simulator.

import dgram from 'node:dgram';
import fs from 'node:fs';

import { atEnd, instance } from './harness.mjs';

export const simulator = Number(fs.readFileSync(instance.path('etc/snmpsim-demo.port'), 'utf8'));
export const community = fs.readdirSync(instance.path('demo/recordings'))[0].replace('.snmprec', '');

// A "printer" on a port of its own: `answer` gets each request and a function that replies. → the port
export async function printer(answer) {
	const socket = dgram.createSocket('udp4');
	socket.on('message', (message, from) => answer(message, (reply) => socket.send(reply, from.port, from.address)));
	await new Promise((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
	atEnd(() => socket.close());
	return socket.address().port;
}

// Hands requests on to the simulator; `hand` gets each of its answers and a function that passes it back. → the port
export function through(hand) {
	return printer((message, reply) => {
		const socket = dgram.createSocket('udp4');
		socket.on('message', (answer) => {
			hand(answer, reply);
			socket.close();
		});
		socket.send(message, simulator, '127.0.0.1');
	});
}
