import { openShare } from 'blockrnn/worklet';

/** One step for each sample; nothing is made as it plays. */
class Step extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.session = openShare(processorOptions.share).session();
    this.x = new Float32Array(1);
    this.y = new Float32Array(1);
  }

  process([[input]], [[output]]) {
    for (let i = 0; i < output.length; i++) {
      this.x[0] = input === undefined ? 0 : input[i];
      this.session.step(this.x, this.y);
      output[i] = this.y[0];
    }
    return true;
  }
}

registerProcessor('step', Step);
