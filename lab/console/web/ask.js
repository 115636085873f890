// The view Ask.

addView({ id: "ask", name: "Ask", path: "/ask" });
