// The calls made so far, as many as are kept, and the shares counted over the last of them.

const kept = 500;

class History {
  calls = []; // newest first
  made = 0;

  add(call) {
    call.number = ++this.made;
    this.calls.unshift(call);
    this.calls.length = Math.min(this.calls.length, kept);
  }

  clear() {
    this.calls = [];
  }

  // shares counts for each service which versions answered, over the newest n calls: [{service, total, versions: [{version, count}]}].
  shares(n) {
    const services = new Map();
    for (const call of this.calls.slice(0, n)) {
      for (const hop of call.hops) {
        const versions = services.get(hop.service) ?? new Map();
        services.set(hop.service, versions);
        versions.set(hop.version, (versions.get(hop.version) ?? 0) + 1);
      }
    }
    return [...services].map(([service, versions]) => ({
      service,
      total: [...versions.values()].reduce((sum, count) => sum + count, 0),
      versions: [...versions].map(([version, count]) => ({ version, count })).sort((a, b) => a.version.localeCompare(b.version)),
    }));
  }
}
