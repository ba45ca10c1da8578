// A certificate for localhost, made once a process, so that none expires in the tree.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

let made;

function make() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ropeway-'));
  try {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const parameters = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const extensions = ['-addext', 'basicConstraints=critical,CA:FALSE'];
    execFileSync('openssl', ['req', '-x509', ...parameters, ...names, ...extensions, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { key: fs.readFileSync(key, 'utf8'), cert: fs.readFileSync(cert, 'utf8') };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** `{ key, cert }`, in PEM. */
function certificate() {
  made ??= make();
  return made;
}

module.exports = { certificate };
