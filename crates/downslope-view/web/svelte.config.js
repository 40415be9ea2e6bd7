// A step, a question or an experiment never changes under its component: each is mounted anew with its own.
export default {
  compilerOptions: { warningFilter: (warning) => warning.code !== "state_referenced_locally" },
};
