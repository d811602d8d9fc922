#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// seed.mjs INSTANCE BUILD: fills an empty installation with the demo through its real interfaces: organisations and
// people by the command line, thirty days of history through the agents' door by a generator that enrols like any
// agent and is revoked at the end, and today by real collectors that ask simulated printers. What is done is noted
// in INSTANCE/demo/seeded.json, so that it goes on where it was interrupted and does nothing twice.

import crypto from 'node:crypto';
import fs from 'node:fs';

import { failInWords, Instance, put } from '../deploy/dev/instance.mjs';
import { Wire } from './agent.mjs';
import { Life, reportTimes } from './history.mjs';
import { CUSTOMERS, PRINTERS } from './printers.mjs';
import { recording } from './recording.mjs';

const PARTNERS = [
	{ key: 'northlight', name: 'Northlight Service', manages: ['harbour', 'lindgren'] },
	{ key: 'tidewater', name: 'Tidewater Technik', manages: ['lindgren'] },
];
const INVITATION_AGE = 12 * 3600e3; // of the 24 hours that one is valid

// role, organisation, sign-in name, shown name; grants: customer and rights on its first group
const PEOPLE = [
	{ role: 'customer-admin', of: 'harbour', name: 'ines.moreau', shown: 'Inès Moreau' },
	{ role: 'customer-viewer', of: 'harbour', name: 'tom.okafor', shown: 'Tom Okafor', grants: [['harbour', ['view']]] },
	{ role: 'customer-admin', of: 'lindgren', name: 'astrid.lindgren', shown: 'Astrid Lindgren' },
	{ role: 'customer-viewer', of: 'lindgren', name: 'per.holm', shown: 'Per Holm', grants: [['lindgren', ['view']]] },
	{ role: 'partner-admin', of: 'northlight', name: 'mara.vogel', shown: 'Mara Vogel' },
	{
		role: 'technician', of: 'northlight', name: 'kenji.sato', shown: 'Kenji Sato',
		grants: [['harbour', ['view', 'operate', 'consume']], ['lindgren', ['view', 'operate']]],
	},
	{ role: 'partner-admin', of: 'tidewater', name: 'olga.brandt', shown: 'Olga Brandt' },
	{ role: 'technician', of: 'tidewater', name: 'luis.prado', shown: 'Luis Prado', grants: [['lindgren', ['view', 'operate']]] },
	{ role: 'operator-admin', of: 'operator', name: 'operator', shown: 'Operator on duty' },
	{ role: 'auditor', of: 'operator', name: 'auditor', shown: 'Auditor' },
];

const isUserSite = (role) => role.startsWith('customer-');
const [dir, build] = process.argv.slice(2);
failInWords(dir);
const instance = new Instance(dir, build);
const stateFile = instance.path('demo/seeded.json');
const state = fs.existsSync(stateFile) ? JSON.parse(fs.readFileSync(stateFile, 'utf8')) : { done: {}, customers: [] };

// Does a step once, and notes what it gave.
async function once(name, work) {
	if (!(name in state.done)) {
		state.done[name] = (await work()) ?? true;
		put(stateFile, JSON.stringify(state, null, '\t'));
	}
	return state.done[name];
}

const organisation = (kind, name, ...more) => once(`organisation ${name}`,
	async () => (await instance.cli(['organisation', 'add', '--kind', kind, '--name', name, ...more])).id);

// The first of a customer's groups is the default one: what a newly invited agent reports stands where people are granted.
async function groupOf(customer, id, name) {
	if (name === customer.groups[0]) {
		return (await instance.cli(['group', 'list', '--customer', id])).find((group) => group.isDefault).id;
	}
	return (await instance.cli(['group', 'add', '--customer', id, '--name', name])).id;
}

async function seedOrganisations() {
	const ids = {};
	for (const customer of CUSTOMERS) {
		ids[customer.key] = await organisation('customer', customer.name, '--default-group', customer.groups[0]);
		customer.groupIds = [];
		for (const group of customer.groups) {
			customer.groupIds.push(await once(`group ${customer.name}/${group}`,
				() => groupOf(customer, ids[customer.key], group)));
		}
	}
	for (const partner of PARTNERS) {
		ids[partner.key] = await organisation('partner', partner.name);
		for (const key of partner.manages) {
			await once(`contract ${partner.key} ${key}`, async () => {
				await instance.cli(['contract', 'add', '--customer', ids[key], '--partner', ids[partner.key]]);
			});
		}
	}
	ids.operator = await once('operator', async () => {
		const there = (await instance.cli(['organisation', 'list'])).find((row) => row.kind === 'operator');
		return there?.id ?? (await instance.cli(['organisation', 'add', '--kind', 'operator', '--name', 'Demo operator'])).id;
	});
	state.customers = CUSTOMERS.map((customer) => ({
		key: customer.key, id: ids[customer.key], name: customer.name,
		groups: customer.groups.map((name, i) => ({ name, id: customer.groupIds[i] })),
	}));
	state.partners = PARTNERS.map((partner) => ({ key: partner.key, id: ids[partner.key], name: partner.name }));
	put(stateFile, JSON.stringify(state, null, '\t'));
	return ids;
}

// A password goes to the command line tool through its standard input.
async function seedPeople(ids) {
	const operatorName = (await instance.cli(['organisation', 'list', '--kind', 'operator']))[0].name;
	const people = [];
	for (const person of PEOPLE) {
		const made = await once(`person ${person.name}`, async () => {
			const password = crypto.randomBytes(15).toString('base64url');
			const { id } = await instance.cli(['user', 'add', '--organisation', ids[person.of], '--role', person.role,
				'--name', person.name, '--display-name', person.shown, '--password-file', '-'], { input: `${password}\n` });
			return { id, password };
		});
		for (const [key, rights] of person.grants ?? []) {
			const customer = CUSTOMERS.find((one) => one.key === key);
			for (const right of rights) {
				await once(`grant ${person.name} ${key} ${right}`, async () => {
					await instance.cli(['grant', 'add', '--user', made.id, '--group', customer.groupIds[0], '--right', right]);
				});
			}
		}
		const where = [...CUSTOMERS, ...PARTNERS].find((one) => one.key === person.of)?.name ?? operatorName;
		people.push({ site: isUserSite(person.role) ? 'user' : 'support', role: person.role, organisation: where, name: person.name, password: made.password });
	}
	return people;
}

const invite = async (customer, type) => (await instance.cli(['agent', 'invite', '--customer', customer, '--type', type])).invitation;

// The generator of a customer's history is no agent any more: neither after its work nor when it was cut off.
async function retire(customer) {
	const id = state.generators?.[customer.key];
	if (!id) return;
	await instance.cli(['agent', 'revoke', id]);
	delete state.generators[customer.key];
	put(stateFile, JSON.stringify(state, null, '\t'));
}

// Thirty days of one customer's printers, in the order of time; what they last told becomes their recordings.
async function seedHistory(customer, now) {
	const wire = new Wire({ connect: instance.connect, ca: instance.ca });
	await retire(customer); // who was interrupted did not come to it
	const identity = await wire.enrol(await invite(customer.id, 'dc'));
	state.generators = { ...state.generators, [customer.key]: identity.id };
	put(stateFile, JSON.stringify(state, null, '\t'));
	const lives = PRINTERS.filter((printer) => printer.customer === customer.key).map((printer) => new Life(printer, now));
	const last = new Map();
	try {
		for (const at of reportTimes(now)) {
			const devices = [];
			for (const life of lives) {
				const device = life.report(at);
				if (device) {
					devices.push(device);
					last.set(life.printer, device);
				}
			}
			await send(wire, identity, devices);
		}
	} finally {
		wire.close();
		await retire(customer);
	}
	fs.mkdirSync(instance.path('demo/recordings'), { recursive: true });
	for (const [printer, device] of last) {
		if (printer.trouble !== 'silent') put(instance.path('demo/recordings', `${printer.community}.snmprec`), recording(printer, device));
	}
}

async function send(wire, identity, devices) {
	const report = wire.report(identity, devices);
	for (let attempt = 1; ; attempt++) {
		const answer = await wire.sendReport(identity, report);
		if (answer.status === 200) {
			if (answer.json.rejected.length > 0) throw new Error(`the demo's history was refused: ${JSON.stringify(answer.json.rejected[0])}`);
			return;
		}
		if (attempt === 10 || (answer.status !== 503 && answer.status !== 429)) throw new Error(`the demo's history: ${answer.status} ${answer.body}`);
		await new Promise((resolve) => { setTimeout(resolve, 500); });
	}
}

async function seedCollectors() {
	const port = await instance.simulate('snmpsim-demo', instance.path('demo/recordings'));
	for (const customer of state.customers) {
		const devices = PRINTERS.filter((printer) => printer.customer === customer.key).map((printer) => ({
			entry: printer.serial.toLowerCase(), address: '127.0.0.1', port, version: 2, community: printer.community,
			timeout: 1000, retries: 1, 'expect-serial': printer.serial, group: printer.group,
		}));
		await instance.collector(customer.key, devices, () => invite(customer.id, 'dc'));
	}
	instance.reload();
}

// Invitations are for whoever wants to enrol an agent by hand: unused, and made anew before they end.
async function invitations() {
	const made = state.invitations;
	if (!made || Date.now() - made.at > INVITATION_AGE) {
		const list = [];
		for (const customer of state.customers) {
			for (const type of ['dc', 'es']) list.push({ customer: customer.name, type, invitation: await invite(customer.id, type) });
		}
		state.invitations = { at: Date.now(), list };
		put(stateFile, JSON.stringify(state, null, '\t'));
	}
	return state.invitations.list;
}

const ids = await seedOrganisations();
const people = await seedPeople(ids);
const began = await once('history began', () => Date.now());
if (!state.customers.every((customer) => state.done[`history ${customer.key}`])) {
	console.log('dev: sending thirty days of history of fifty made-up printers');
}
await Promise.all(state.customers.map((customer) => once(`history ${customer.key}`, () => seedHistory(customer, began))));
await seedCollectors();
put(instance.path('demo.json'), `${JSON.stringify({
	user: { url: `https://user.localhost:${instance.port}` },
	support: { url: `https://support.localhost:${instance.port}` },
	agents: {
		url: `https://agents.localhost:${instance.port}`, ca: instance.caFile,
		mqtt: { host: '127.0.0.1', port: instance.port, alpn: 'mqtt' },
	},
	connect: instance.connect,
	people,
	invitations: await invitations(),
}, null, '\t')}\n`);
