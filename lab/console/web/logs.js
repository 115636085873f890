// The view Logs.

addView({ id: "logs", name: "Logs", path: "/logs" });
