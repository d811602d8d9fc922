// SPDX-License-Identifier: Apache-2.0
// What the integration tests share. They run against an instance that tests/run brought up (FLEETPORT_DEV), with
// the demo in it, through the real nginx, mosquitto, snmpsim and agents. Nothing sleeps: everything polls.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';

import { Wire } from '../../demo/agent.mjs';
import { Visitor } from '../../demo/visitor.mjs';
import { Instance, until } from '../../deploy/dev/instance.mjs';
import { Mqtt } from './mqtt.mjs';

if (!process.env.FLEETPORT_DEV) throw new Error('FLEETPORT_DEV is not set: run ./dev test integration');

export { assert, until };
export const instance = new Instance(process.env.FLEETPORT_DEV, process.env.FLEETPORT_BUILD || undefined);
export const demo = JSON.parse(fs.readFileSync(instance.path('demo.json'), 'utf8'));
export const seeded = JSON.parse(fs.readFileSync(instance.path('demo/seeded.json'), 'utf8'));
export const run = promisify(execFile);

const open = [];
after(async () => {
	for (const close of open.reverse()) await close();
});

// Runs `close` when the file's tests are over, whatever came of them.
export function atEnd(close) {
	open.push(close);
}

export function temporaryFolder() {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fp-test-'));
	atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
	return folder;
}

// ---- people

export const person = (role, organisation) => {
	const found = demo.people.find((one) => one.role === role && (!organisation || one.organisation === organisation));
	assert.ok(found, `the demo has a ${role}`);
	return found;
};

export function visitor(site = 'user') {
	const made = new Visitor({ url: demo[site].url, connect: demo.connect, ca: instance.ca });
	atEnd(() => made.close());
	return made;
}

export async function signedIn(role, organisation) {
	const who = person(role, organisation);
	const made = visitor(who.site);
	const answer = await made.signIn(who.name, who.password);
	assert.ok(answer.ok, `${who.name} can sign in (status ${answer.status})`);
	return made;
}

// The ids of all devices that a signed-in person finds in the list.
export async function deviceIds(someone) {
	const found = [];
	let next = '/devices';
	while (next) {
		const { body, status } = await someone.get(next);
		assert.equal(status, 200, next);
		for (const [, id] of body.matchAll(/href="\/devices\/(de_\w+)"/g)) if (!found.includes(id)) found.push(id);
		const link = /<a\b[^>]*\brel="next"[^>]*>/.exec(body)?.[0];
		next = link && /href="([^"]*)"/.exec(link)[1].replace(/&amp;/g, '&');
	}
	return found;
}

// ---- agents

export const customer = (i = 0) => seeded.customers[i];
export const invite = async (type = 'dc', of = customer()) => (await instance.cli(['agent', 'invite', '--customer', of.id, '--type', type])).invitation;

export function wire() {
	const made = new Wire({ connect: demo.connect, ca: instance.ca });
	atEnd(() => made.close());
	return made;
}

// A fresh agent, revoked when the file's tests are over.
export async function enrolled(type = 'dc', of = customer()) {
	const link = wire();
	const identity = await link.enrol(await invite(type, of), { type });
	atEnd(async () => instance.cli(['agent', 'revoke', identity.id]).catch(() => {}));
	return { link, identity };
}

let serial = 0;
export function device(more = {}) {
	const number = `T${process.pid}X${String(++serial).padStart(7, '0')}`; // none is part of another: searches find one
	return {
		manufacturer: 'Velmora', model: 'Drift 24', serialNumber: number, identity: { kind: 'serial', value: `VELMORA ${number}` },
		acquiredAt: new Date().toISOString(), status: { state: 'idle', reasons: [] }, ...more,
	};
}

// ---- MQTT

export const dispatchIdentity = () => ({
	certificate: fs.readFileSync(instance.path('secrets/dispatch.pem'), 'utf8'),
	key: fs.readFileSync(instance.path('secrets/dispatch.key.pem'), 'utf8'),
});

// A connection through the one port. It may be refused: see .connack.
export async function mqtt(identity, options = {}) {
	const client = await Mqtt.connect({ port: instance.port, ca: instance.ca, identity, ...options });
	atEnd(() => client.close());
	return client;
}

// One message in dispatch's name. The real dispatch is stopped meanwhile: two of one name would put each other out.
export function asDispatch(work) {
	return gone('dispatch', async () => {
		const client = await mqtt(dispatchIdentity());
		try {
			return await work(client);
		} finally {
			client.close();
		}
	});
}

// ---- programs

export async function kill(name, signal = 'SIGKILL') {
	const pid = await until(`${name} to run`, 20, () => instance.pid(name));
	process.kill(pid, signal);
	return pid;
}

// A program is kept from running while `work` runs: stopped whole (SIGSTOP), then let go.
export async function frozen(name, work) {
	const pid = await until(`${name} to run`, 20, () => instance.pid(name));
	process.kill(pid, 'SIGSTOP');
	try {
		return await work();
	} finally {
		process.kill(pid, 'SIGCONT');
	}
}

// A program is gone while `work` runs. (Its line is taken from the supervisor's table, then put back.)
export async function gone(name, work) {
	const table = instance.path('programs');
	const text = fs.readFileSync(table, 'utf8');
	const set = (contents) => {
		fs.writeFileSync(`${table}.test`, contents);
		fs.renameSync(`${table}.test`, table);
		process.kill(Number(fs.readFileSync(instance.path('supervise.pid'), 'utf8')), 'SIGHUP');
	};
	set(text.split('\n').filter((line) => !line.startsWith(`${name}\t`)).join('\n'));
	try {
		await until(`${name} to end`, 20, () => !instance.status().some((row) => row.name === name));
		return await work();
	} finally {
		set(text);
		await until(`${name} to run again`, 20, () => instance.pid(name));
	}
}

export const ready = () => until('the sites and the agents\' door to answer', 30, async () => {
	const link = new Wire({ connect: demo.connect, ca: instance.ca });
	const look = new Visitor({ url: demo.user.url, connect: demo.connect, ca: instance.ca });
	try {
		const [ca, page] = await Promise.all([link.request('GET', '/v1/ca'), look.get('/')]);
		return ca.status === 200 && page.status === 200;
	} finally {
		link.close();
		look.close();
	}
});
