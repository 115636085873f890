// The view Time.

addView({ id: "time", name: "Time", path: "/time" });
