// The form of a new agent: shows the part of "what it should know" that was
// chosen, and adds fields for another text. Without it everything is shown.
document.addEventListener("alpine:init", () => {
  window.Alpine.data("knowledge", () => ({
    init() {
      this.choices = [...this.$root.querySelectorAll("input[name=knowledge]")];
      this.parts = [...this.$root.querySelectorAll("[data-when]")];
      this.total = this.$root.querySelector("[name$=TOTAL_FORMS]");
      this.most = Number(this.$root.querySelector("[name$=MAX_NUM_FORMS]").value);
      for (const choice of this.choices) {
        choice.addEventListener("change", () => this.show());
      }
      this.show();
    },
    show() {
      const chosen = this.choices.find((choice) => choice.checked)?.value;
      for (const part of this.parts) part.hidden = part.dataset.when !== chosen;
      this.$refs.more.hidden = Number(this.total.value) >= this.most;
    },
    add() {
      const number = Number(this.total.value);
      const html = this.$refs.blank.innerHTML.replaceAll("__prefix__", number);
      this.$refs.texts.insertAdjacentHTML("beforeend", html);
      this.total.value = number + 1;
      this.show();
      this.$refs.texts.lastElementChild.querySelector("input").focus();
    },
  }));
});
