import type { Random } from './random.ts';

export type Sex = 'female' | 'male';
export type Name = { prefix: string; given: string[]; family: string };

/** A made-up name of the kind met in a British town; the lists are combined by chance, so nobody is meant. */
export function makeName(random: Random, sex: Sex, age: number): Name {
  const tradition = random.weighted(TRADITIONS);
  // Some families join two traditions.
  const family = random.pick((random.chance(0.08) ? random.weighted(TRADITIONS) : tradition).family);
  const names = tradition[sex];
  // The front of each list is the older fashion, the back the newer one.
  const middle = (names.length - 1) * (1 - Math.min(age, 85) / 85);
  const given = names[Math.round(Math.max(0, Math.min(names.length - 1, random.normal(middle, 3))))]!;
  const second = random.chance(0.35) ? [random.pick(names)].filter((name) => name !== given) : [];
  return { prefix: prefixOf(random, sex, age), given: [given, ...second], family };
}

function prefixOf(random: Random, sex: Sex, age: number) {
  if (age < 16) return sex === 'female' ? 'Miss' : 'Master';
  if (sex === 'male') return 'Mr';
  return random.weighted([
    ['Mrs', age > 45 ? 6 : 3],
    ['Ms', 4],
    ['Miss', age > 45 ? 1 : 3],
  ] as const);
}

type Tradition = Record<Sex | 'family', readonly string[]>;

const list = (text: string) => text.split(' ');

const TRADITIONS: readonly (readonly [Tradition, number])[] = [
  [
    {
      female: list(
        'Doreen Edna Maureen Sheila Margaret Jean Patricia Susan Carol Janet Deborah Tracey Sharon Nicola Joanne Emma Rebecca Laura Charlotte Lauren Chloe Jessica Megan Amelia Isla Freya Florence Willow',
      ),
      male: list(
        'Albert Stanley Ronald Kenneth Derek Brian Roger Michael Alan Stephen Graham Keith Ian Darren Gary Craig Matthew Daniel Thomas Luke Jack Callum Harry Alfie Noah Arthur Theo Jude',
      ),
      family: list(
        'Ashworth Barlow Birkett Chadwick Crabtree Dalton Eastwood Fairhurst Garside Hartley Holroyd Kershaw Langley Marsden Nuttall Openshaw Pickering Ramsden Sutcliffe Thackray Underhill Whitworth Yardley Blackwell Fletcher Mercer',
      ),
    },
    50,
  ],
  [
    {
      female: list(
        'Morag Bronwen Eileen Glenys Siobhan Moira Bethan Catriona Aisling Rhian Niamh Eilidh Orla Seren Ailsa Cadi',
      ),
      male: list(
        'Hamish Gwilym Desmond Dilwyn Fergus Alasdair Declan Euan Rhys Ciaran Gareth Finlay Owain Lachlan Cian Macsen',
      ),
      family: list(
        'Abernethy Buchan Carmichael Drummond Galbraith Kinnaird Urquhart Bevan Gethin Llewellyn Prosser Vaughan Corrigan Donnelly Gallagher Heaney Mulholland Rafferty',
      ),
    },
    13,
  ],
  [
    {
      female: list(
        'Kamla Shanta Surinder Nasreen Meena Parveen Sunita Farzana Rukhsana Anjali Priya Nadia Harpreet Ayesha Shreya Zainab Aaliyah Maryam Anaya Inaya',
      ),
      male: list(
        'Mohan Gurdial Abdul Rajinder Suresh Iqbal Anil Tariq Sanjay Imran Vikram Nadeem Jaspal Adeel Arjun Hamza Ibrahim Rohan Ayaan Zayan',
      ),
      family: list(
        'Ahmed Akhtar Bhatti Chaudhry Desai Gill Hussain Joshi Kaur Khatun Malik Mehta Mistry Parmar Qureshi Rahman Sandhu Shah Solanki Virk',
      ),
    },
    17,
  ],
  [
    {
      female: list(
        'Gloria Beverley Comfort Marcia Grace Yvonne Abena Folake Ngozi Shanice Adaeze Amara Temperance Zuri Imani',
      ),
      male: list(
        'Winston Clifton Emmanuel Leroy Kwame Desmond Olumide Curtis Chidi Tunde Kofi Marlon Jerome Ayo Malachi Zion',
      ),
      family: list(
        'Adeyemi Agyeman Asante Bailey Boateng Campbell Chikwanha Ekwueme Gordon Mensah Mutasa Nkemelu Okafor Osei Owusu Sesay Tesfaye Wambui',
      ),
    },
    10,
  ],
  [
    {
      female: list(
        'Halina Danuta Elena Malgorzata Ioana Katarzyna Mihaela Agnieszka Oksana Zuzanna Lena Maja',
      ),
      male: list('Zbigniew Jerzy Andrzej Florin Marek Bogdan Piotr Vasile Tomasz Razvan Jakub Szymon'),
      family: list(
        'Dabrowska-Lis Grabowski Ionescu Jankowski Kowalczyk Lewandowski Munteanu Nowicki Petrescu Sokolowski Stoica Zielinski',
      ),
    },
    6,
  ],
  [
    {
      female: list('Mei-Ling Soraya Leyla Xiu Parisa Hana Linh Shirin Noor Yasmin Mina Jia'),
      male: list('Wing-Kai Farhad Kemal Hao Behrouz Sami Minh Omid Tariq Yusuf Karim Jun'),
      family: list('Aydin Cheung Demir Farahani Hosseini Karimi Lau Nguyen Rostami Tran Yilmaz Zhang'),
    },
    4,
  ],
];
