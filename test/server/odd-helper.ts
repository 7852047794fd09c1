/** A process that does whatever a question says: for what becomes of those that misbehave. */
process.on("disconnect", () => process.exit(0));
process.on("message", (question: { readonly kind: string }) => {
  const eaten: Buffer[] = [];
  switch (question.kind) {
    case "pid":
      return void process.send?.({ pid: process.pid });
    case "spin":
      for (;;);
    case "eat":
      for (;;) eaten.push(Buffer.alloc(1_048_576, 1));
    case "crash":
      process.kill(process.pid, "SIGSEGV");
  }
});
