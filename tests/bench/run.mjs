// SPDX-License-Identifier: Apache-2.0
// run.mjs INSTANCE BUILD [ROW …]: rows 1, 4, 6 and 7 of docs/performance.md. Every figure stands beside a bound that
// is measured in the same run on the same machine; what counts is the ratio.

import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { Instance, put, root, until } from '../../deploy/dev/instance.mjs';
import { Wire } from '../../demo/agent.mjs';
import { Visitor, forms } from '../../demo/visitor.mjs';

const run = promisify(execFile);
const [dir, build, ...wanted] = process.argv.slice(2);
const rows = wanted.length > 0 ? wanted : ['7', '6', '4', '1'];
const FLEET = Number(process.env.FLEETPORT_BENCH_FLEET ?? 100000); // devices in the stores for rows 1 and 4
const DEEP = 10000;  // of which so many with a long history …
const ROUNDS = Number(process.env.FLEETPORT_BENCH_ROUNDS ?? 40); // … of so many reports with 25 changed values each: 10 million samples
const BUSY = 20000;  // devices that row 4 hears of again and again
const SECONDS = Number(process.env.FLEETPORT_BENCH_SECONDS ?? 8);
const CONNECTIONS = 16;
const TURNS = 3;

const instance = new Instance(dir, build);
const demo = JSON.parse(fs.readFileSync(instance.path('demo.json'), 'utf8'));
const seeded = JSON.parse(fs.readFileSync(instance.path('demo/seeded.json'), 'utf8'));
const scratch = instance.path('scratch');
const results = { machine: machine(), rows: {} };

function machine() {
	const cpu = os.cpus();
	return `${cpu.length} × ${cpu[0].model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}`;
}

const program = (name) => path.join(build, 'tests/bench', name);

async function measure(name, args) {
	const { stdout, stderr } = await run(program(name), args.map(String), { maxBuffer: 1 << 24 });
	if (stderr) process.stderr.write(stderr);
	return JSON.parse(stdout);
}

const dev = (...args) => execFileSync(path.join(root, 'dev'), args, { env: { ...process.env, FLEETPORT_DEV: dir }, stdio: ['ignore', 'ignore', 'inherit'] });
const customer = seeded.customers[0];
const person = (role, organisation) => demo.people.find((one) => one.role === role && (!organisation || one.organisation === organisation));

async function signIn(who) {
	const visitor = new Visitor({ url: demo[who.site].url, connect: demo.connect, ca: instance.ca });
	const answer = await visitor.signIn(who.name, who.password);
	if (!answer.ok) throw new Error(`${who.name} could not sign in: ${answer.status}`);
	return visitor;
}

const cookieOf = (visitor) => [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');

// ---- an agent of our own, once an instance

async function benchAgent() {
	const folder = instance.path('bench-agent');
	const file = path.join(folder, 'agent.json');
	if (!fs.existsSync(file)) {
		const wire = new Wire({ connect: instance.connect, ca: instance.ca });
		const { invitation } = await instance.cli(['agent', 'invite', '--customer', customer.id, '--type', 'dc']);
		const identity = await wire.enrol(invitation);
		const seed = identity.eventKeys.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
		const open = identity.eventKeys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
		put(path.join(folder, 'cert.pem'), identity.certificate);
		put(path.join(folder, 'key.pem'), identity.key);
		fs.writeFileSync(path.join(folder, 'event.key'), Buffer.concat([seed, open]), { mode: 0o600 });
		const device = {
			manufacturer: 'BENCHMARK', model: 'Plotwright 64', serialNumber: 'B000000000',
			identity: { kind: 'serial', value: 'BENCHMARK B000000000' }, group: customer.groups[0].name,
			acquiredAt: new Date().toISOString(), status: { state: 'idle', reasons: [] },
		};
		const answer = await wire.sendReport(identity, wire.report(identity, [device]));
		if (answer.status !== 200 || answer.json.accepted !== 1) throw new Error(`the bench device was not taken: ${answer.body}`);
		wire.close();
		put(file, JSON.stringify({ id: identity.id, operationKey: identity.answer.operationKeys[0].key }));
	}
	return {
		...JSON.parse(fs.readFileSync(file, 'utf8')),
		cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem'), eventKey: path.join(folder, 'event.key'),
	};
}

const wireArgs = (agent) => ['--port', instance.port, '--ca', instance.caFile, '--cert', agent.cert, '--key', agent.key, '--agent', agent.id];

// What one row left to be done (the search index of the audit log, checkpoints) must not slow the next: waits until
// no program of the instance has used more than a twentieth of a core for a second.
const ticks = (pid) => {
	try {
		const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return Number(fields[11]) + Number(fields[12]);
	} catch {
		return 0;
	}
};

async function quiet() {
	const pids = ['audit', 'ingest', 'user', 'support', 'dispatch'].map((name) => instance.pid(name));
	let before = pids.map(ticks);
	await until('the programs to have caught up', 60, async () => {
		await new Promise((resolve) => setTimeout(resolve, 1000));
		const now = pids.map(ticks);
		const idle = now.every((n, i) => n - before[i] <= 5);
		before = now;
		return idle;
	});
}

// ---- row 7: audit records

async function row7() {
	await quiet(); // the demo has just come up
	const socket = path.join(instance.run, 'audit-cli.sock');
	const window = 64;
	// In turns, so that whatever else the machine does meets both. While one group is written the next is read: of
	// 8 × window records under way, half at most are in one batch.
	const flood = { recordsPerSecond: 0 }, bound = { rowsPerSecond: 0 };
	for (let turn = 0; turn < TURNS; turn++) {
		await quiet();
		flood.recordsPerSecond += (await measure('load_audit', [socket, 8, 1, SECONDS / TURNS, 0, window])).recordsPerSecond / TURNS;
		await quiet();
		bound.rowsPerSecond += (await measure('bound_sqlite', ['audit', scratch, 4 * window, SECONDS / TURNS, 330])).rowsPerSecond / TURNS;
		fs.rmSync(path.join(scratch, 'bound-audit.db'));
	}
	// Afterwards: a log that has been in use writes over its write-ahead log; a new one still makes it longer.
	await quiet();
	const calm = await measure('load_audit', [socket, 8, 2, SECONDS, 400]);
	const commit = await measure('bound_sqlite', ['audit', scratch, 1, SECONDS / 2, 330]);
	fs.rmSync(path.join(scratch, 'bound-audit.db'));
	results.rows[7] = { commitUs: 1e6 / commit.rowsPerSecond, recordsPerSecond: flood.recordsPerSecond, bound: bound.rowsPerSecond, ratio: flood.recordsPerSecond / bound.rowsPerSecond, p50us: calm.p50us, p99us: calm.p99us };
	line(7, 'durable audit records, 8 processes', `${thousands(flood.recordsPerSecond)}/s`, `SQLite, same batches: ${thousands(bound.rowsPerSecond)}/s`,
		percent(flood.recordsPerSecond / bound.rowsPerSecond), '≥ 50 %', flood.recordsPerSecond >= 0.5 * bound.rowsPerSecond);
	line(7, 'what a record adds to a page (400/s)', `${ms(calm.p50us)} median, ${ms(calm.p99us)} p99`, `one bare commit: ${ms(1e6 / commit.rowsPerSecond)} on average`, '', '≤ 1 ms, ≤ 5 ms', calm.p50us <= 1000 && calm.p99us <= 5000);
}

// ---- row 6: click → agent

async function row6() {
	const agent = await benchAgent();
	const technician = await signIn(demo.people.find((one) => one.role === 'technician' && one.organisation === seeded.partners[0].name));
	const found = await until('the bench device on the support site', 10, async () => (/\/devices\/(de_\w+)/.exec((await technician.get('/devices?q=B000000000')).body)));
	const page = await technician.get(`/devices/${found[1]}/operation`);
	const form = forms(page.body).find(({ fields }) => 'kind' in fields) ?? forms(page.body).find(({ fields }) => 'csrf' in fields);
	const count = 300;
	const click = await measure('load_operation', ['click', ...wireArgs(agent), '--event-key', agent.eventKey, '--operation-key', agent.operationKey,
		'--device', found[1], '--cookie', cookieOf(technician), '--csrf', form.fields.csrf, '--count', count]);
	technician.close();
	// The bound takes dispatch's place at the broker: dispatch stands still meanwhile and connects again after.
	const pid = instance.pid('dispatch');
	process.kill(pid, 'SIGSTOP');
	let bare;
	try {
		bare = await measure('load_operation', ['bare', ...wireArgs(agent), '--sender-cert', instance.path('secrets/dispatch.pem'),
			'--sender-key', instance.path('secrets/dispatch.key.pem'), '--count', count]);
	} finally {
		process.kill(pid, 'SIGCONT');
	}
	const median = click.p50us - bare.p50us, p99 = click.p99us - bare.p99us;
	results.rows[6] = { click, bare };
	line(6, 'operation: click → agent, median', ms(click.p50us), `bare publish → subscribe: ${ms(bare.p50us)}`, `+${ms(median)}`, '≤ +5 ms', median <= 5000);
	line(6, 'operation: click → agent, p99', ms(click.p99us), `bare: ${ms(bare.p99us)}`, `+${ms(p99)}`, '≤ +20 ms', p99 <= 20000);
}

// ---- the large fleet, once an instance

async function fill() {
	const mark = instance.path('fleet.json');
	if (fs.existsSync(mark)) return;
	const agent = await benchAgent();
	dev('down');
	const deep = await measure('fill_fleet', [instance.data, agent.id, DEEP, ROUNDS]);
	const wide = await measure('fill_fleet', [instance.data, agent.id, FLEET, 1]);
	put(mark, JSON.stringify({ deep, wide }));
	dev('up', '--port', String(instance.port));
	process.stdout.write(`filled: ${thousands(FLEET)} devices, ${thousands(deep.samples)} samples, ${deep.seconds + wide.seconds} s\n`);
}

// ---- row 4: reports

async function row4() {
	const agent = await benchAgent();
	await fill();
	// A device's first report of an hour also brings its row on the list up to date: that is one report of twelve in
	// life, and every one here if the devices had not been heard of before. So each is heard of once, then measured.
	const base = Math.floor(Date.now() / 1000) % 1000000;
	const args = [...wireArgs(agent), '--fleet', BUSY, '--first', 1, '--connections', 32];
	await measure('load_ingest', [...args, '--round', base, '--once']);
	await quiet();
	const ours = await measure('load_ingest', [...args, '--round', base + 1, '--seconds', SECONDS]);
	await quiet();
	const bound = await measure('bound_sqlite', ['telemetry', scratch, 256, SECONDS, FLEET]);
	const ratio = ours.reportsPerSecond / bound.reportsPerSecond;
	results.rows[4] = { ours, bound, ratio };
	line(4, `ingest, 6 KB reports, ${thousands(FLEET)} devices`, `${thousands(ours.reportsPerSecond)}/s, p99 ${ms(ours.p99us)}`, `SQLite, same rows: ${thousands(bound.reportsPerSecond)}/s`,
		percent(ratio), '≥ 40 %', ratio >= 0.4);
	line(4, 'the same, load generator on the same 2 cores', `${thousands(ours.reportsPerSecond)}/s`, '', '', '≥ 3 400/s', ours.reportsPerSecond >= 3400);
	if (ours.failed > 0) line(4, 'failed reports', String(ours.failed), '', '', '0', false);
}

// ---- row 1: the device page

async function wrk(host, path_, headers) {
	const args = ['-t2', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '--latency', '-H', `Host: ${host}:${instance.port}`];
	for (const header of headers) args.push('-H', header);
	const { stdout } = await run('wrk', [...args, `https://127.0.0.1:${instance.port}${path_}`]);
	const number = (pattern) => Number(pattern.exec(stdout)?.[1] ?? NaN);
	const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
	return {
		perSecond: number(/Requests\/sec:\s+([\d.]+)/), p99us: Number(value) * { us: 1, ms: 1000, s: 1e6 }[unit],
		bad: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0), text: stdout,
	};
}

// A bare FastCGI program behind the same nginx, under a host name of its own.
async function withBound(bytes, work) {
	const socket = path.join(instance.run, 'bound.sock');
	const file = instance.path('etc/nginx-extra-bench.conf');
	fs.rmSync(socket, { force: true });
	const child = spawn(program('bound_fcgi'), [socket, '16', String(bytes)], { stdio: 'inherit' });
	try {
		await until('the bound program', 5, () => fs.existsSync(socket));
		fs.writeFileSync(file, `server {\n\tlisten "unix:${instance.run}/nginx/https.sock" ssl http2 proxy_protocol;\n\tserver_name bench.localhost;\n\tlocation / {\n`
			+ `\t\tinclude "${instance.path('etc/nginx-fastcgi.conf')}";\n\t\tfastcgi_pass "unix:${socket}";\n\t}\n}\n`);
		process.kill(instance.pid('nginx'), 'SIGHUP');
		const wire = new Wire({ connect: instance.connect, ca: instance.ca, host: 'agents.localhost' });
		await until('nginx to know the bound', 10, async () => (await wire.request('GET', '/', { headers: { Host: 'bench.localhost' }, agent: false })).body.length === bytes);
		wire.close();
		return await work();
	} finally {
		child.kill();
		fs.rmSync(file, { force: true });
		process.kill(instance.pid('nginx'), 'SIGHUP');
	}
}

async function row1() {
	await fill();
	const admin = await signIn(person('customer-admin', customer.name));
	const list = await admin.get('/devices?q=B000000777');
	const found = /\/devices\/(de_\w+)/.exec(list.body);
	if (!found) throw new Error('the filled device is not on the list page');
	const page = await admin.get(`/devices/${found[1]}`);
	if (page.status !== 200) throw new Error(`the device page answered ${page.status}`);
	const bytes = Buffer.byteLength(page.body);
	const ours = await wrk('user.localhost', `/devices/${found[1]}`, [`Cookie: ${cookieOf(admin)}`]);
	const bound = await withBound(bytes, () => wrk('bench.localhost', '/', []));
	admin.close();
	const ratio = ours.perSecond / bound.perSecond;
	results.rows[1] = { bytes, ours: { ...ours, text: undefined }, bound: { ...bound, text: undefined }, ratio };
	line(1, `device page (${thousands(bytes)} bytes), recorded`, `${thousands(ours.perSecond)}/s`, `bare libfcgi: ${thousands(bound.perSecond)}/s`, percent(ratio), '≥ 50 %', ratio >= 0.5);
	line(1, 'device page, p99', ms(ours.p99us), `bare: ${ms(bound.p99us)}`, `× ${(ours.p99us / bound.p99us).toFixed(1)}`, '≤ × 3', ours.p99us <= 3 * bound.p99us);
	if (ours.bad > 0) line(1, 'answers that were no page', String(ours.bad), '', '', '0', false);
}

// ---- the table

const table = [];
const thousands = (n) => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ' ');
const ms = (us) => `${(us / 1000).toFixed(us < 10000 ? 2 : 1)} ms`;
const percent = (share) => `${Math.round(share * 100)} %`;

function line(row, what, ours, bound, ratio, budget, met) {
	table.push([String(row), what, ours, bound, ratio, budget, met ? 'met' : 'missed']);
	process.stdout.write(`row ${row}: ${what}: ${ours} ${bound ? `(${bound})` : ''} ${ratio} [${budget}: ${met ? 'met' : 'MISSED'}]\n`);
}

const work = { 1: row1, 4: row4, 6: row6, 7: row7 };
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });
for (const row of rows) {
	if (!work[row]) throw new Error(`no such row: ${row} (there are ${Object.keys(work).join(', ')})`);
	for (const file of fs.readdirSync(scratch)) fs.rmSync(path.join(scratch, file));
	await work[row]();
}
fs.rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${results.machine}\n\n| row | work | measured | bound, same run | ratio | budget | |\n|---|---|---|---|---|---|---|\n`);
for (const cells of table) process.stdout.write(`| ${cells.join(' | ')} |\n`);
results.table = table;
put(instance.path('results.json'), JSON.stringify(results, null, '\t'));
