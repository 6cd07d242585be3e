// One simulation as JSON on each line of stdin; on each line of stdout what it says to it.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await runSimulation(JSON.parse(line), {})
  const said = answer.resultType === 'error' ? { errors: answer.errors } : { result: answer.overallResult }
  process.stdout.write(JSON.stringify(said) + '\n')
}
