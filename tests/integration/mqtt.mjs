// SPDX-License-Identifier: Apache-2.0
// As much of an MQTT 5 client as the tests need: one connection that subscribes and publishes at QoS 1. (The
// broker takes the certificate's name as client id, so an agent has one connection: Debian's command line
// clients, one for each direction, would throw each other out.)

import tls from 'node:tls';

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
const DISCONNECT = 14;

const string = (text) => {
	const bytes = Buffer.from(text);
	return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(first, ...parts) {
	const body = Buffer.concat(parts);
	const length = [];
	let rest = body.length;
	do {
		length.push((rest & 127) | (rest > 127 ? 128 : 0));
		rest >>= 7;
	} while (rest > 0);
	return Buffer.concat([Buffer.from([first, ...length]), body]);
}

export class Mqtt {
	constructor(socket) {
		Object.assign(this, { socket, id: 0, waiting: new Map(), messages: [], buffer: Buffer.alloc(0) });
		this.closed = new Promise((resolve) => { socket.once('close', () => resolve(this.reason)); });
		this.closed.then(() => {
			this.isClosed = true;
			for (const done of this.waiting.values()) done(-1);
		});
		socket.on('data', (part) => this.hear(part));
		socket.on('error', () => {});
	}

	// identity: {key, certificate}; resolves once the broker said CONNACK. will: {topic, payload}
	static async connect({ port, ca, identity, will, keepAlive = 60 }) {
		const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'agents.localhost', ALPNProtocols: ['mqtt'], key: identity.key, cert: identity.certificate });
		await new Promise((resolve, reject) => {
			socket.once('secureConnect', resolve);
			socket.once('error', reject);
		});
		const client = new Mqtt(socket);
		const flags = 2 | (will ? 0x2c : 0); // clean start; a will at QoS 1, retained
		const parts = [string('MQTT'), Buffer.from([5, flags, keepAlive >> 8, keepAlive & 255, 0]), string('')];
		if (will) parts.push(Buffer.from([0]), string(will.topic), string(will.payload));
		const answer = client.wait('connack');
		socket.write(packet(0x10, ...parts));
		client.connack = await answer;
		return client;
	}

	wait(what) {
		return new Promise((resolve) => {
			if (this.isClosed) resolve(-1);
			else this.waiting.set(what, resolve);
		});
	}

	answer(what, value) {
		this.waiting.get(what)?.(value);
		this.waiting.delete(what);
	}

	hear(part) {
		this.buffer = Buffer.concat([this.buffer, part]);
		for (;;) {
			let length = 0;
			let at = 1;
			for (let shift = 0; ; shift += 7, at++) {
				if (at >= this.buffer.length) return;
				length |= (this.buffer[at] & 127) << shift;
				if (this.buffer[at] < 128) break;
			}
			at++;
			if (this.buffer.length < at + length) return;
			const [first] = this.buffer;
			const body = this.buffer.subarray(at, at + length);
			this.buffer = this.buffer.subarray(at + length);
			this.take(first, body);
		}
	}

	take(first, body) {
		const type = first >> 4;
		if (type === CONNACK) this.answer('connack', body[1]);
		else if (type === PUBACK) this.answer(body.readUInt16BE(0), body[2] ?? 0);
		else if (type === SUBACK) this.answer(body.readUInt16BE(0), body[body.length - 1]);
		else if (type === DISCONNECT) this.reason = body[0] ?? 0;
		else if (type === PUBLISH) this.message(first, body);
	}

	message(first, body) {
		const end = 2 + body.readUInt16BE(0);
		const qos = (first >> 1) & 3;
		const topic = body.subarray(2, end).toString();
		const at = end + (qos > 0 ? 2 : 0);
		this.messages.push({ topic, payload: body.subarray(at + 1 + body[at]).toString(), retained: (first & 1) === 1 });
		if (qos > 0) this.socket.write(packet(0x40, body.subarray(end, end + 2)));
	}

	// → the reason code: below 128 is granted; -1: the connection ended
	subscribe(filter) {
		const id = ++this.id;
		const answer = this.wait(id);
		this.socket.write(packet(0x82, Buffer.from([id >> 8, id & 255, 0]), string(filter), Buffer.from([1])));
		return answer;
	}

	// → the reason code of the PUBACK; -1: the connection ended
	publish(topic, payload, { retain = false } = {}) {
		const id = ++this.id;
		const answer = this.wait(id);
		this.socket.write(packet(0x32 | (retain ? 1 : 0), string(topic), Buffer.from([id >> 8, id & 255, 0]), Buffer.from(payload)));
		return answer;
	}

	close() {
		this.socket.destroy();
	}
}
