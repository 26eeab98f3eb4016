import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * The browser for the browser tests: CHROMIUM_PATH, or where systems keep it; on Debian, as root, it is installed.
 * Otherwise `problem` says what to install.
 */
export function findChromium(): { path: string } | { problem: string } {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    return existsSync(given)
      ? { path: given }
      : { problem: `CHROMIUM_PATH is ${given}, where there is nothing.` };
  }
  const found = installed() ?? (mayInstall() && install() ? installed() : undefined);
  return found ? { path: found } : { problem: PROBLEM };
}

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
];
const MAC = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const PROBLEM = `The browser tests need Chromium, and it is not here.
Install it (Debian or Ubuntu: sudo apt-get install -y chromium), or set CHROMIUM_PATH to a Chromium or Chrome.`;

function installed() {
  return [...PLACES, ...MAC].find((path) => existsSync(path));
}

function mayInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

function install() {
  console.log('Installing chromium for the browser tests …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) => spawnSync('apt-get', args, { env, stdio: 'inherit' }).status === 0;
  const args = ['install', '-y', '--no-install-recommends', 'chromium'];
  return apt(...args) || (apt('update') && apt(...args));
}
