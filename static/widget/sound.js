// A short tone for an answer that came while the chat was closed.

const PITCH = 660;
const SECONDS = 0.4;

export const chime = () => {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  const end = audio.currentTime + SECONDS;
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, end);
  tone.frequency.value = PITCH;
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => audio.close();
  tone.start();
  tone.stop(end);
};
