// A command in AssemblyScript, over WASI preview 1: gives its input back, with the tool's id.

const chunk = new ArrayBuffer(4096);
let input = "";
for (let got = process.stdin.read(chunk); got > 0; got = process.stdin.read(chunk)) {
  input += String.UTF8.decode(chunk.slice(0, <i32>got));
}
process.stderr.write("hello from AssemblyScript\n");
process.stdout.write('{"tool":"' + process.argv[1] + '","input":' + input + "}");
