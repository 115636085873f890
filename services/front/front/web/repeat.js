// Makes a fixed number of calls at a fixed rate, with a bound on those in flight. A call that is due while the bound is reached is made as
// soon as another one ends.

const inFlightMost = 6; // what browsers open to one host over HTTP/1.1

class Repeater {
  running = false;

  // run makes the calls one after the other and resolves when the last has come back, or after stop.
  async run({ times, rate, make, progress }) {
    this.running = true;
    const flying = new Set();
    const begin = performance.now();
    let back = 0;
    for (let sent = 0; sent < times && this.running; sent++) {
      await pause(begin + (1000 * sent) / rate - performance.now());
      while (flying.size >= inFlightMost) await Promise.race(flying);
      if (!this.running) break;
      const flight = make().then(() => {
        flying.delete(flight);
        progress(++back);
      });
      flying.add(flight);
    }
    await Promise.all(flying);
    this.running = false;
    return back;
  }

  stop() {
    this.running = false;
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
