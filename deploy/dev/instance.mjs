// SPDX-License-Identifier: Apache-2.0
// A running development instance (./dev up), for what is seeded into it: the command line, simulated printers,
// collectors. Everything it makes lies below the instance's folder.

import { execFile, execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Tries until `look` gives something true; gives that. Fails after `seconds`, saying what it waited for.
export async function until(what, seconds, look, pause = 100) {
	const end = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		try {
			const found = await look();
			if (found) return found;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}${last ? `: ${last.message}` : ''}`);
		await sleep(pause);
	}
}

// For a script that ./dev runs: its failure is one sentence on the terminal, the rest of it in log/dev.log.
export function failInWords(dir) {
	process.on('uncaughtException', (error) => {
		console.error(`dev: ${error.message}`);
		fs.appendFileSync(path.join(dir, 'log/dev.log'), `${error.stack}\n`);
		process.exit(1);
	});
}

// Writes a file whole or not at all; unchanged contents leave it (and its time) alone.
export function put(file, contents, mode = 0o600) {
	if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === contents) return false;
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(`${file}.new`, contents, { mode });
	fs.renameSync(`${file}.new`, file);
	return true;
}

// The command that serves the recordings of a folder on a UDP port.
export function simulator(folder, cache, port) {
	const command = ['/usr/bin/snmpsimd', `--data-dir=${folder}`, `--cache-dir=${cache}`, `--agent-udpv4-endpoint=127.0.0.1:${port}`, '--logging-method=null'];
	// It wants to be told whom to become when it is root.
	if (process.getuid() === 0) command.push('--process-user=root', '--process-group=root');
	return command;
}

// The port, or any free one for 0; 0 where it is taken.
export async function udpIsFree(port) {
	const socket = dgram.createSocket('udp4');
	try {
		await new Promise((resolve, reject) => {
			socket.once('error', reject);
			socket.bind(port, '127.0.0.1', resolve);
		});
		return socket.address().port;
	} catch {
		return 0;
	} finally {
		try { socket.close(); } catch { /* was never bound */ }
	}
}

export class Instance {
	constructor(dir, build = path.join(root, '.dev/build')) {
		this.dir = dir;
		this.build = build;
		this.port = Number(fs.readFileSync(path.join(dir, 'port'), 'utf8'));
		this.connect = `127.0.0.1:${this.port}`;
		this.caFile = path.join(dir, 'secrets/server-ca.pem');
		this.ca = fs.readFileSync(this.caFile, 'utf8');
		this.config = path.join(dir, 'etc/fleetport.conf');
		this.run = fs.realpathSync(path.join(dir, 'run'));
		this.data = path.join(dir, 'data');
	}

	path(...parts) {
		return path.join(this.dir, ...parts);
	}

	// `fleetport --json …`; secrets go through files or `input`, never through arguments.
	async cli(args, { input } = {}) {
		const command = run(path.join(this.build, 'fleetport'), ['--config', this.config, '--json', ...args], { maxBuffer: 1 << 26 });
		if (input !== undefined) command.child.stdin.end(input);
		try {
			const { stdout } = await command;
			return stdout.trim() === '' ? null : JSON.parse(stdout);
		} catch (error) {
			throw new Error(`fleetport ${args.join(' ')}: ${error.stderr?.trim() || error.message}`);
		}
	}

	// The supervisor's table gets a line: NAME FILES-THAT-COUNT … -- COMMAND …
	program(name, files, command) {
		put(this.path('etc/programs.d', name), `${[name, ...files, '--', ...command].join('\t')}\n`);
	}

	forgetProgram(name) {
		fs.rmSync(this.path('etc/programs.d', name), { force: true });
	}

	// Makes the supervisor see the table anew. (`write_programs` of ./dev adds the stamps.)
	reload() {
		execFileSync(path.join(root, 'dev'), ['reload'], { env: { ...process.env, FLEETPORT_DEV: this.dir }, stdio: ['ignore', 'ignore', 'inherit'] });
	}

	status() {
		return fs.readFileSync(this.path('status'), 'utf8').trim().split('\n').map((line) => {
			const [name, stamp, state, pid, restarts, since, exit] = line.split('\t');
			return { name, stamp, state, pid: Number(pid), restarts: Number(restarts), since: Number(since), exit };
		});
	}

	pid(name) {
		return this.status().find((row) => row.name === name && row.state === 'running')?.pid ?? 0;
	}

	// Debian's snmpsim serves the recordings of a folder on a UDP port of its own; gives that port.
	async simulate(name, folder) {
		const file = this.path('etc', `${name}.port`);
		const before = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
		let port = before;
		if (!before || (!this.isUp(name) && !(await udpIsFree(before)))) port = await udpIsFree(0);
		put(file, `${port}\n`);
		fs.mkdirSync(this.path('tmp', name), { recursive: true });
		const recordings = fs.readdirSync(folder).filter((entry) => entry.endsWith('.snmprec')).map((entry) => fs.realpathSync(path.join(folder, entry)));
		this.program(name, recordings, simulator(folder, this.path('tmp', name), port));
		return port;
	}

	isUp(name) {
		try { return this.pid(name) > 0; } catch { return false; }
	}

	// A DC agent with a device list, enrolled by an invitation that `invite` makes where it is not yet.
	async collector(name, devices, invite) {
		const folder = this.path('agents', name);
		fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
		const list = devices.map(({ entry, ...settings }) => [`[${entry}]`,
			...Object.entries(settings).filter(([, value]) => value !== undefined).map(([key, value]) => `${key} = ${value}`), ''].join('\n'));
		put(path.join(folder, 'devices.conf'), `; Written by ./dev up.\n${list.join('\n')}`);
		const config = path.join(folder, 'agent.conf');
		// Relative to this file: a line of a configuration has 190 bytes at most, and a checkout may lie deep.
		put(config, ['; Written by ./dev up.', '[agent]', 'state = state', 'devices = devices.conf',
			`connect_to = ${this.connect}`, 'interval = 60', 'jitter = 10', ''].join('\n'));
		fs.mkdirSync(path.join(folder, 'state'), { recursive: true, mode: 0o700 });
		const program = path.join(this.build, 'fleetport-dc-agent');
		if (!fs.existsSync(path.join(folder, 'enrolled'))) {
			const invitation = await invite();
			const file = path.join(folder, 'invitation');
			put(file, `${invitation}\n`);
			try {
				await run(program, ['--config', config, '--enroll', file]);
			} catch (error) {
				throw new Error(`${name} could not enrol: ${error.stderr?.trim() || error.message}`);
			} finally {
				fs.rmSync(file, { force: true });
			}
			put(path.join(folder, 'enrolled'), `${new Date().toISOString()}\n`);
		}
		this.program(`agent-${name}`, [config, path.join(folder, 'devices.conf')], [program, '--config', config]);
	}
}
