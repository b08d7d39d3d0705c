@external("palyra:plugins/host-capabilities@0.1.0", "http-count")
declare function httpCount(): i32;
class P { constructor(public name: string, public v: f64) {} }
export function run(): i32 {
  let m = new Map<string, P>();
  for (let i = 0; i < 10; i++) m.set("k" + i.toString(), new P("https://api.acme.example/v1/" + i.toString(), Math.sin(<f64>i)));
  let s = 0.0;
  const ks = m.keys();
  for (let i = 0; i < ks.length; i++) s += m.get(ks[i]).v;
  return <i32>s + httpCount();
}
